"""Several groups at once."""
