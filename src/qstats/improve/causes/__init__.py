"""Fishbone and five whys in one tree whose leaves carry tests."""
