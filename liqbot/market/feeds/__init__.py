"""The only way market data enters: streams, polls, history, and how each feed is doing."""
