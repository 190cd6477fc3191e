"""A compromise between responses by weights."""
