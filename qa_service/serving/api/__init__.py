"""The HTTP API under /v1, with health and metrics: routes and their JSON."""
