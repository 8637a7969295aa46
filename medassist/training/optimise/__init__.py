"""Make a trained package quicker or smaller, and show on data what that costs: one file per means."""
