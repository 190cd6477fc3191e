"""Did the change help? A plan written before, counts, checks, and a verdict."""
