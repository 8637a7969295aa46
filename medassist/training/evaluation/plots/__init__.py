"""Pictures of an evaluation, one kind per file; matplotlib without a window."""
