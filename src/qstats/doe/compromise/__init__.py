"""Several responses at once: what to give up for what."""
