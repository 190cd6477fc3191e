"""How many it takes: power and sample size of every comparison."""
