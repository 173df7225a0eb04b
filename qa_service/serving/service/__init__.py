"""What requests share: the open index and its successor, the language model, suggestions."""
