"""What a design can tell before it is run: `door.evaluate`, `simulate.simulate_power`, `compare.compare_designs`."""
