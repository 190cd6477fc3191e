"""Figures of capability."""
