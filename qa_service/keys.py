"""API keys: made, kept as hashes, recognised, revoked.

A key is `qa_ID_SECRET`: the id says which one it is, the secret has 256 random bits. Kept is SHA-256 of
the secret: a slow hash protects guessable passwords, and these cannot be guessed. The file is read
again when it changes, so that making and revoking a key takes effect at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from qa_service.errors import InputError, KeysError

_KEY = re.compile(r"qa_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")  # qa_3f9c2a1b_…
_NAME_CHARACTERS_MAX = 100
_ABSENT = hashlib.sha256(b"").hexdigest()


class Scope(StrEnum):
    """READ asks and reads. ADMIN may see metrics as well."""

    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key; the secret itself is not. `created` is in UTC, ISO 8601."""

    id: str
    name: str
    scope: Scope
    hash: str
    created: str

    def allows(self, scope: Scope) -> bool:
        return self.scope is Scope.ADMIN or self.scope is scope


class KeyRing:
    """The keys of one file; empty when there is none. Safe to share among threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._was_there = False
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """As the file is now. Raises KeysError when it cannot be read."""
        state = self._state()
        if state != self._seen:
            self._keys, self._seen = (self._read() if state else ()), state
        return self._keys

    @property
    def in_use(self) -> bool:
        """Whether a key was ever made: revoking the last one does not let everybody in."""
        return self._state() is not None

    def find(self, presented: str) -> Key | None:
        """The key that a client presents, None when it is not one of these.

        The comparison takes as long whether or not the id is known.
        """
        match = _KEY.fullmatch(presented)
        id, secret = (match[1], match[2]) if match else ("", "")
        known = next((key for key in self.keys if key.id == id), None)
        kept = known.hash if known is not None else _ABSENT
        same = hmac.compare_digest(_hash(secret), kept)
        return known if same and known is not None else None

    def create(self, name: str, scope: Scope) -> str:
        """The whole key, to be shown once. Raises KeysError, and InputError for a name that would
        not show in one line."""
        if not name.strip() or not name.isprintable() or len(name) > _NAME_CHARACTERS_MAX:
            raise InputError(
                "name", f"A key's name is 1 to {_NAME_CHARACTERS_MAX} characters in one line."
            )
        secret = secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._alone():
            taken = {key.id for key in self.keys}
            id = next(id for id in iter(lambda: secrets.token_hex(4), "") if id not in taken)
            self._write((*self.keys, Key(id, name, scope, _hash(secret), now)))
        return f"qa_{id}_{secret}"

    def revoke(self, id: str) -> None:
        """Raises KeysError when there is no such key."""
        with self._alone():
            left = tuple(key for key in self.keys if key.id != id)
            if len(left) == len(self.keys):
                raise KeysError(f"There is no key {id!r}. `qa-service keys list` lists them.")
            self._write(left)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """From reading to writing no other process changes the file: one that made a key meanwhile
        would bring back a key that was just revoked."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            raise KeysError(f"{lock} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            os.close(descriptor)

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError as error:
            if self._was_there:  # who took it away did not mean to let everybody in
                raise KeysError(f"{self.path} has gone. Bring it back, or start anew.") from error
            return None
        except OSError as error:
            raise KeysError(f"{self.path} cannot be read: {error.strerror}.") from error
        self._was_there = True
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self) -> tuple[Key, ...]:
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))["keys"]
            return tuple(
                Key(each["id"], each["name"], Scope(each["scope"]), each["hash"], each["created"])
                for each in entries
            )
        except OSError as error:
            raise KeysError(f"{self.path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise KeysError(
                f"{self.path} is no file of keys. Move it away and make new keys with "
                "`qa-service keys create`."
            ) from error

    def _write(self, keys: Sequence[Key]) -> None:
        """Whole or not at all, readable by its owner alone; a power failure afterwards does not bring
        back what was revoked."""
        content = json.dumps({"keys": [asdict(key) for key in keys]}, ensure_ascii=False, indent=1)
        try:
            handle, waiting = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(waiting).replace(self.path)
                _sync_folder(self.path.parent)
            except BaseException:
                Path(waiting).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise KeysError(f"{self.path} cannot be written: {error.strerror}.") from error


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
