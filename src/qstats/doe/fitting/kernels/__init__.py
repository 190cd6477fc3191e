"""Estimates of coefficients: least squares, likelihoods, runs that were stopped."""
