"""Recipes, training and evaluation."""
