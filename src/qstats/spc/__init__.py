"""Statistical process control: charts, their limits, their run rules."""
