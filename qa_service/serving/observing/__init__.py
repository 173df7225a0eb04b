"""What an operator sees: metrics, the log of requests, traces."""
