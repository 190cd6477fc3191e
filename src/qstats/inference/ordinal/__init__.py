"""Scores that have an order but no distance."""
