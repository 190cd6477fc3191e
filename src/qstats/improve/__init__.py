"""From a complaint log to a verdict: what to fix first, and whether the fix worked."""
