"""One widget per file; each takes the store and the runner, none knows another."""
