"""Failure modes: ratings, occurrence measured from counts, priorities from a table of the user's."""
