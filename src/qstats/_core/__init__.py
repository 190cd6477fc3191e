"""The floor everything stands on: numpy and scipy.special only; knows no data frame, no plot, no file."""
