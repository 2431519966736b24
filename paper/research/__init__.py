"""Questions asked of a backtest: its controls, what refusals cost, what parameters are worth."""
