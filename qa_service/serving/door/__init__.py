"""Who and what gets in: keys and scopes, admission under load, bounds on what arrives."""
