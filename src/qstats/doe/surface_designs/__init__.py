"""Designs for full quadratic models: Box-Behnken and central composite."""
