"""Optimal designs by coordinate exchange: `door.optimal`."""
