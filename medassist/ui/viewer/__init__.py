"""Pictures of one series: planes, layers, pointing and the texts on top."""
