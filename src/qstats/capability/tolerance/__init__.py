"""Tolerance intervals: limits that hold a stated share of the units with a stated confidence."""
