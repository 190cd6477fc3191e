"""Satisfaction and effort scores, their segments, and batteries of questions."""
