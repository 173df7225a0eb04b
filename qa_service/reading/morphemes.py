"""SudachiPy's dictionary, loaded once, and a tokenizer for each thread."""

from __future__ import annotations

import threading
from functools import cache

from sudachipy import Dictionary, SplitMode, Tokenizer

_of_this_thread = threading.local()


def tokenizer() -> Tokenizer:
    """One for each thread, of long units: a Sudachi tokenizer refuses to be used by two at once."""
    if not hasattr(_of_this_thread, "tokenizer"):
        _of_this_thread.tokenizer = _dictionary().tokenizer(SplitMode.C)
    own: Tokenizer = _of_this_thread.tokenizer
    return own


@cache
def _dictionary() -> Dictionary:
    """Loaded at the first use (about 0.15 s) and kept."""
    return Dictionary()
