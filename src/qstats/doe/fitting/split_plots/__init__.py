"""Experiments with whole plots, fitted by REML."""
