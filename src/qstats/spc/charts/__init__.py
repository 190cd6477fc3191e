"""The charts, a module for each family: what is measured, how limits are estimated, what is drawn."""
