"""Means of measured values."""
