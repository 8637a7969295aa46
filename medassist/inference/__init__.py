"""Model packages, suitability, preparation and prediction."""
