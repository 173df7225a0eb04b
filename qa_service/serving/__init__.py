"""The HTTP API: the service's answers as JSON that a chat frontend can show."""
