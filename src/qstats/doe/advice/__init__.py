"""What to run next: rules on the evidence of fits, each with its reason and its number."""
