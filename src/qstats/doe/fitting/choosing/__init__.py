"""Which terms belong in a model."""
