"""What becomes of the score when a region is not there: replaced, beside the same change elsewhere."""
