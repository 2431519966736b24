"""Margin physics: exact maintenance margin and liquidation prices, tiers, and how venues liquidate."""
