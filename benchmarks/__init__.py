"""Measurements side by side in one run: `python -m benchmarks NAME`. Ratios carry over, seconds do not."""
