"""Net Promoter Score: one, two, many; surveys; sample size."""
