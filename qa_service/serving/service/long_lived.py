"""Keeps Python's collector of cycles from walking over the index again and again.

A full collection looks at every object of the process, a hundred thousand passages and terms
included, and nothing else runs meanwhile: 50 to 90 ms for the chapter, every few seconds under load.
"""

from __future__ import annotations

import gc


def set_aside() -> None:
    """What is in memory now is not looked at by later collections."""
    gc.freeze()


def set_aside_anew() -> None:
    """The same, when what was set aside may have become garbage: that is collected first."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
