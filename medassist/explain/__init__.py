"""Attribution maps: one method per file behind one protocol."""
