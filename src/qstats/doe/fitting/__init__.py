"""Models fitted to the results of an experiment."""
