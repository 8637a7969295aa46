"""Explain many images by many methods: one case after the other, kept as they come, compared at the end."""
