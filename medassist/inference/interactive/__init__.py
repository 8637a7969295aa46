"""Outlining with a box: LiteMedSAM, its embedding of a slice, and a region followed through a volume."""
