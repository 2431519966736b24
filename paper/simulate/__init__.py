"""The whole house under fire: seeded markets, seeded trouble, and laws that must hold after every step."""
