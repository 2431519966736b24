"""The only way orders leave."""
