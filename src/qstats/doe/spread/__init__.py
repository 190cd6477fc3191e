"""Which factors change the spread of the response: `door.dispersion_effects`."""
