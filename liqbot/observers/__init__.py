"""Those who look on while the house works; nobody waits for them."""
