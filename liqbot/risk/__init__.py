"""Second floor: may we, how much, with what stop."""
