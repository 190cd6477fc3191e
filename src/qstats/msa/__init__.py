"""Can the measurement be trusted: gauges, bias, agreement of appraisers."""
