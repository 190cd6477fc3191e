"""Series of counts before and after a change."""
