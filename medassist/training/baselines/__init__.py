"""What can be had without learning: classical methods that a trained model has to beat."""
