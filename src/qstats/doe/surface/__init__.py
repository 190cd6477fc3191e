"""Response surfaces: stationary point, ridge, way up, profiles and contours of a fitted model."""
