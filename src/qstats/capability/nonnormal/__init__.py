"""Capability of data that need not be normal: fits, tests of fit, indices with intervals."""
