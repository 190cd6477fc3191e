"""Suppliers, sites and agents beside one another: shrunken levels, and how little their ranks are worth."""
