"""What venues say: prices, bars, funding, open interest, forced orders, and how fresh each is."""
