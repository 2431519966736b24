"""The estimate of open positions: where they were opened, how they close, what forced orders teach."""
