"""What fools a before-and-after comparison: peaks, early looks, late reports; and when it happened."""
