"""Pictures of the map and of decisions."""
