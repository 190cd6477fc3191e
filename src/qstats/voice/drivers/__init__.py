"""What goes with satisfaction, and what customers take for granted."""
