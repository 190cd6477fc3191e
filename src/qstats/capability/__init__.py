"""Is the process capable: indices, yields, tolerance intervals."""
