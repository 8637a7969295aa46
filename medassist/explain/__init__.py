"""Why a network gave its answer: attribution maps, one method per file, on the grid of the series."""
