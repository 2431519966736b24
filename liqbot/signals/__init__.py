"""First floor: reasons to trade, pure functions MarketView -> Verdict."""
