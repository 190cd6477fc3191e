"""Figures of gauge R&R."""
