"""What a claim such as "15 days -> 3 days" is worth."""
