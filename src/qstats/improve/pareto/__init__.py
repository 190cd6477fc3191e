"""The few kinds of complaint that make most of them, how sure that is, and what changed."""
