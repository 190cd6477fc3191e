"""Numbers of the charts: arrays in, arrays out, arguments checked by the door."""
