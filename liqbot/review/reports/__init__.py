"""Reports made of a ledger alone."""
