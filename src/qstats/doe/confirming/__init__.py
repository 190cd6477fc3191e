"""Runs that confirm a setting: how many, what counts as passed, and the verdict."""
