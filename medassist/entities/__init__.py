"""Frozen nouns of the domain: what every other room talks about. Needs numpy only."""
