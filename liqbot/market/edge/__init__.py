"""The only way market data enters: sockets, REST, retries."""
