"""Findings from predictions, and one exporter per file."""
