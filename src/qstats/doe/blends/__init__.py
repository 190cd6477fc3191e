"""Mixture designs: shares that add up to one."""
