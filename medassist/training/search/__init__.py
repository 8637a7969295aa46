"""Hyper-parameter search: what may vary, the trials, and the recipe that did best."""
