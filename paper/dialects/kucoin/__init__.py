"""KuCoin's wire protocol of futures, market data only."""
