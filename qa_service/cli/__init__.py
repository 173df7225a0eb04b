"""The command line: `qa-service index | search | ask | chat | serve | mcp | evaluate | feedback | settings`.

`commands` holds the commands, `opening` gets an index to work on, `asking` shows answers while they
are made, `display` prints the rest for people. Heavy modules are imported by the command that needs
them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from qa_service.errors import (
    CorpusError,
    InputError,
    ModelNotFoundError,
    NotFoundError,
    QaServiceError,
    SettingsError,
)

_BAD_INPUT = (InputError, NotFoundError, SettingsError, CorpusError, ModelNotFoundError)


def main() -> None:
    """Exit status: 0 fine, 1 failed, 2 bad usage or input, 130 interrupted."""
    # A question's matrices are small: threads for them only wait for each other (on two busy
    # cores, 8 ms a search instead of 1). Read by numpy when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from qa_service.cli.commands import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot show a character shows \u…
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="qa-service")
    except QaServiceError as error:
        print(f"qa-service: {error.message}", file=sys.stderr)
        sys.exit(2 if isinstance(error, _BAD_INPUT) else 1)
