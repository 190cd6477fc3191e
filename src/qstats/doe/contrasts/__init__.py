"""Two-level contrasts and which of them are active: `door.effects`, `margins.lenth`, `detect.unreplicated_power`."""
