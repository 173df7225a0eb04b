"""Where everything lies in an index folder, and what is said when it does not.

    index/CURRENT                     the id of the current generation, one line
    index/LOCK                        held by the process that builds; its process id
    index/generations/ID/             files, and manifest.json with the checksum of each
    index/generations/ID.building     being written, or left by a build that was stopped
    index/unfinished/KEY/             vectors of a build that was stopped, to go on with

An id is a number that grows and the first half of the checksum of the manifest,
`000007-5fd924625f6ab16a`. So everything is covered by a checksum: the files by the manifest, the
manifest by the folder's name, and the pointer names a folder that exists or it is damaged.

Only names: reading what they hold is `generations`, writing it `publishing`.
"""

from __future__ import annotations

import errno
import hashlib
import re
from pathlib import Path

from qa_service.errors import IndexDamagedError, IndexFormatError

POINTER = "CURRENT"
NEW_POINTER = "CURRENT.new"
LOCK = "LOCK"
GENERATIONS = "generations"
UNFINISHED = "unfinished"

_MOMENTARY = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_OURS = {POINTER, NEW_POINTER, LOCK, GENERATIONS, UNFINISHED}
_HARMLESS = {"README.md", ".gitignore", ".gitkeep", ".DS_Store", "lost+found"}
_ID = re.compile(r"(?P<number>\d{6,})-(?P<checksum>[0-9a-f]{16})")  # 000007-5fd924625f6ab16a
_LITTER = re.compile(r"\d{6,}(-[0-9a-f]{16})?\.(building|removed)")  # 000007.building


# --- generations -------------------------------------------------------------------------------


def generation_folder(index: Path, generation: str) -> Path:
    return index / GENERATIONS / generation


def next_number(index: Path) -> str:
    """Of the generation to be written: `000008`."""
    return f"{max(map(_number, complete_generations(index)), default=0) + 1:06d}"


def generation_id(number: str, manifest: bytes) -> str:
    return f"{number}-{short_checksum(manifest)}"


def is_generation_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def complete_generations(index: Path) -> list[str]:
    """Ids of the generations with a final name, newest first."""
    names = [entry.name for entry in entries(index / GENERATIONS)]
    return sorted(filter(is_generation_id, names), key=_number, reverse=True)


def checksum_of_name(name: str) -> str:
    """The checksum that a name ends in: `5fd924625f6ab16a` of `000007-5fd924625f6ab16a`."""
    return name.partition("-")[2]


def short_checksum(data: bytes) -> str:
    """The first half of SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()[:16]


def _number(generation: str) -> int:
    return int(generation.partition("-")[0])


# --- the folder --------------------------------------------------------------------------------


def litter(index: Path) -> list[Path]:
    """What a build that was stopped left behind and no later one can use; vectors can be."""
    found = [entry for entry in entries(index / GENERATIONS) if _LITTER.fullmatch(entry.name)]
    return found + [entry for entry in entries(index) if entry.name == NEW_POINTER]


def strangers(index: Path) -> list[str]:
    """Names in the folder that no index has."""
    return sorted({entry.name for entry in entries(index)} - _OURS - _HARMLESS)


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in order; nothing where it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


# --- faults ------------------------------------------------------------------------------------


def foreign(index: Path, what: str) -> IndexFormatError:
    return IndexFormatError(
        index, f"{index} is not an index: it {what}. Choose an empty or a new folder."
    )


def is_momentary(error: BaseException | None) -> bool:
    """Whether a file could not be read for what the machine lacked at the moment."""
    return isinstance(error, OSError) and error.errno in _MOMENTARY


def damaged(index: Path, path: Path, reason: str | OSError) -> IndexDamagedError:
    """`path` is a file in the index; a reason from the system may be one of rights."""
    name = path.relative_to(index).as_posix()
    cure = "Run `qa-service index` to build it anew."
    if isinstance(reason, OSError):
        if reason.errno in (errno.EACCES, errno.EPERM):
            cure = "Give the user who runs qa-service the right to read it."
        if is_momentary(reason):
            cure = "The machine is short of something; try again."
        reason = reason.strerror or type(reason).__name__
    return IndexDamagedError(
        index, f"The index in {index} is damaged: {name} ({reason}). {cure}", file=name
    )
