"""Times and their quantiles, open ones among them."""
