"""Designs that fill the space between the limits: Latin hypercubes, Sobol and Halton points."""
