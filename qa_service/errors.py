"""What can go wrong, as one small tree. The data is in attributes, the cure in the message.

    QaServiceError
    ├── InputError               a question, filter or argument that cannot be used      (422)
    ├── NotFoundError            no such document, section or passage                    (404)
    ├── SettingsError            a setting or settings file that cannot be used
    ├── CorpusError              a corpus folder or file that cannot be read
    │   ├── EncodingError        not UTF-8; says which encoding was found
    │   ├── MetadataError        a broken NAME.toml, with its line
    │   └── DuplicateError       two files (or records) with one id, or with the same content
    ├── ModelError               an embedding model that cannot be used
    │   ├── ModelNotFoundError   neither here nor reachable
    │   └── ModelMismatchError   not the model that the index was built with
    ├── IndexFaultError          an index folder that cannot be served
    │   ├── IndexMissingError    nothing there
    │   ├── IndexDamagedError    a file is missing, truncated or altered; names it
    │   ├── IndexFormatError     written by an older or newer version, or not an index at all
    │   └── IndexBusyError       another process is building there
    ├── KeysError                a file of API keys that cannot be used
    ├── FeedbackError            readers' verdicts that cannot be kept or read
    └── GenerationError          a language model that did not write an answer; an answer without
                                 one is always possible

Caught narrowly and translated once, at the edge (the command line and the HTTP server).
"""

from __future__ import annotations

from pathlib import Path


class QaServiceError(Exception):
    """The root. `code` is a machine-readable name, the message says what is wrong and the cure."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InputError(QaServiceError):
    """`field` names the argument as the caller spells it: `query`, `filters.section`."""

    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotFoundError(QaServiceError):
    """`kind` is `document`, `section` or `passage`; `id` is what was asked for."""

    code = "not_found"

    def __init__(self, kind: str, id: str, message: str | None = None) -> None:
        super().__init__(message or f"There is no {kind} {id!r}. Check the id.")
        self.kind = kind
        self.id = id


class SettingsError(QaServiceError):
    code = "invalid_settings"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class CorpusError(QaServiceError):
    """`path` is the file or folder, `line` counts from 1 where a line is to blame."""

    code = "corpus_unreadable"

    def __init__(self, path: Path | str, message: str, *, line: int | None = None) -> None:
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {message}")
        self.path = str(path)
        self.line = line


class EncodingError(CorpusError):
    """`encoding` is the encoding that the bytes look like, None when none fits."""

    code = "corpus_encoding"

    def __init__(
        self, path: Path | str, message: str, *, encoding: str | None, line: int | None = None
    ) -> None:
        super().__init__(path, message, line=line)
        self.encoding = encoding


class MetadataError(CorpusError):
    code = "corpus_metadata"


class DuplicateError(CorpusError):
    """`other` is the file that already has the id or the content."""

    code = "corpus_duplicate"

    def __init__(
        self, path: Path | str, message: str, *, other: Path | str, line: int | None = None
    ) -> None:
        super().__init__(path, message, line=line)
        self.other = str(other)


class ModelError(QaServiceError):
    code = "model_unusable"


class ModelNotFoundError(ModelError):
    code = "model_not_found"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class ModelMismatchError(ModelError):
    """`expected` is what the index was built with, `found` what was loaded."""

    code = "model_mismatch"

    def __init__(self, expected: str, found: str, message: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.found = found


class IndexFaultError(QaServiceError):
    """`path` is the index folder, `file` the file in it that is to blame, where one is."""

    code = "index_unusable"

    def __init__(self, path: Path | str, message: str, *, file: str | None = None) -> None:
        super().__init__(message)
        self.path = str(path)
        self.file = file


class IndexMissingError(IndexFaultError):
    code = "index_missing"


class IndexDamagedError(IndexFaultError):
    code = "index_damaged"


class IndexFormatError(IndexFaultError):
    code = "index_format"


class IndexBusyError(IndexFaultError):
    code = "index_busy"


class KeysError(QaServiceError):
    code = "keys_unusable"


class FeedbackError(QaServiceError):
    """`code` is `feedback_off`, `feedback_missing`, `feedback_unusable`, `feedback_full` or
    `output_unwritable`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GenerationError(QaServiceError):
    """`code` is `model_unreachable`, `model_timeout`, `model_rate_limited`, `model_refused`,
    `model_empty`, `model_too_long`, `model_budget_spent` or `model_error`. The message never holds the key, the prompt
    or a URL."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
