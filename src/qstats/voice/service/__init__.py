"""How long customers wait, whether they must come back, whether they stay."""
