"""Whether a map is to be believed: one measure per file, `stamping.stamp` for all of them."""
