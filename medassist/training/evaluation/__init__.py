"""What stands behind `evaluate`: cases, figures, parts, robustness, pictures and the page."""
