"""What is ours and what it cost: fills to positions, wallets, round trips, cash flow. Counted once, read by
everybody."""
