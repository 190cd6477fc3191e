"""From what customers want to what is measured: house of quality, critical-to-quality tree."""
