"""How training folders are laid out: one file per layout, all with the same door."""
