"""Chat completions as OpenAI speaks them."""
