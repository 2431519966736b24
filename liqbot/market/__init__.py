"""Ground floor: what is true out there."""
