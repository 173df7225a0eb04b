"""Files to sources: bytes, encodings, metadata. The only part of reading that touches the disk.

A corpus is a folder of `NAME.md`, `NAME.txt` and `NAME.jsonl` files, each with an optional
`NAME.toml` of metadata beside it, or one such file. README.md is no document, and an index of this
program that lies there is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from qa_service.errors import CorpusError, DuplicateError, EncodingError, MetadataError
from qa_service.reading.classes import ends_sentence
from qa_service.reading.markdown import fenced_lines
from qa_service.reading.numbering import UNITS, heading_number
from qa_service.types import Heading, Metadata, Source

FORMATS = (".md", ".txt", ".jsonl")
_OTHER_ENCODINGS = ("cp932", "euc_jp", "iso2022_jp", "gb18030", "cp1252")
_KANA = re.compile(r"[\u3041-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_TITLE_LINE = re.compile(r"^#[ \t]+(?P<title>\S[^\r\n]*)", re.MULTILINE)  # # The title
_TABLE_LINE = re.compile(r"\s*\[+\s*(?P<name>[^\]]+?)\s*\]")  # [part]
_SURROGATE = re.compile("[\ud800-\udfff]")
_TITLE_MAX_CHARACTERS = 60
_BLANK_MAX_BYTES = 1_000


class _HeadingTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    number: str
    title: str


class _MetadataFile(BaseModel):
    """The keys of NAME.toml; every one may be left out."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str | None = None
    title: str | None = None
    edition: str = ""
    language: str | None = None
    publisher: str = ""
    published: date | None = None
    licence: str = ""
    source: str = ""
    part: _HeadingTable | None = None
    chapter: _HeadingTable | None = None


def read_corpus(corpus: Path) -> tuple[Source, ...]:
    """All sources of a folder (or of one file), sorted by path; `find_skipped` tells what is not read.

    Raises CorpusError where there is nothing to read and for several faulty files at once,
    EncodingError, MetadataError, and DuplicateError for two sources with one id or the same text.
    """
    paths = find_files(corpus)
    folder = corpus.parent if corpus.is_file() else corpus
    sources: list[Source] = []
    faults: list[CorpusError] = []
    for path in paths:
        try:
            sources.extend(read_sources(path, folder=folder))
        except CorpusError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        listed = "\n".join(f"  {fault.message}" for fault in faults)
        raise CorpusError(corpus, f"{len(faults)} files cannot be read:\n{listed}")
    _refuse_duplicates(sources)
    return tuple(sources)


def find_files(corpus: Path) -> list[Path]:
    """The files that `read_corpus` reads, at least one. Raises CorpusError where there is none."""
    try:
        paths = [corpus] if corpus.is_file() else _documents_in(corpus)
    except FileNotFoundError as error:
        raise CorpusError(
            corpus, "is not there. Name a folder with .md, .txt or .jsonl files."
        ) from error
    except OSError as error:
        raise CorpusError(
            corpus, f"cannot be read ({error.strerror}). Check its rights."
        ) from error
    if not paths:
        raise CorpusError(corpus, "holds no document. Put a .md, .txt or .jsonl file there.")
    return paths


def find_skipped(corpus: Path) -> tuple[str, ...]:
    """The files of a folder that `read_corpus` leaves out, relative to it: those of other formats and
    those without text."""
    if not corpus.is_dir():
        return ()
    read = set(_documents_in(corpus))
    read |= {path.with_suffix(".toml") for path in read}
    return tuple(
        path.relative_to(corpus).as_posix()
        for path in _files_in(corpus)
        if path not in read and path.stem.upper() != "README"
    )


def read_sources(path: Path, *, folder: Path | None = None) -> tuple[Source, ...]:
    """The source of one file; of a `.jsonl` file one a record. `folder` is the corpus folder."""
    if path.suffix.lower() not in FORMATS:
        raise CorpusError(path, f"is not one of the formats read: {', '.join(FORMATS)}.")
    data = _bytes_of(path)
    text = _decode(path, data)
    if hidden := _hidden_encoding(data):
        raise _not_utf8(path, hidden, line=1)
    relative = path.relative_to(folder).as_posix() if folder else path.name
    described, metadata_bytes = _metadata_beside(path)
    if path.suffix.lower() == ".jsonl":
        return tuple(_records(path, relative, text, described, metadata_bytes))
    if not text.strip():
        raise CorpusError(path, "is empty. Remove it or fill it.")
    source = Source(
        id=_readable_id(described.id or path.stem),
        path=relative,
        format=path.suffix.lower().lstrip("."),
        text=text,
        metadata=_metadata(described, title=_title_of(path, text), text=text),
        sha256=hashlib.sha256(data + b"\0" + metadata_bytes).hexdigest(),
    )
    return (source,)


def _documents_in(folder: Path) -> list[Path]:
    next(folder.iterdir(), None)  # a walk is silent about a folder that it may not read
    return [
        path
        for path in _files_in(folder)
        if path.suffix.lower() in FORMATS and path.stem.upper() != "README" and not _is_blank(path)
    ]


def _files_in(folder: Path) -> list[Path]:
    """Sorted, without hidden ones and without those of an index."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        if "CURRENT" in names and "generations" in folders:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(place) / name for name in names if not name.startswith("."))
    return sorted(found)


def _is_blank(path: Path) -> bool:
    """Whether a file holds nothing but white space; large ones are not looked at."""
    try:
        if path.stat().st_size > _BLANK_MAX_BYTES:
            return False
        return not path.read_bytes().decode("utf-8").strip("\ufeff \t\r\n\u3000")
    except (OSError, UnicodeDecodeError):
        return False  # reading it says what is wrong


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if path.is_symlink() and not path.exists():
            raise CorpusError(path, "is a link to nothing. Mend or remove it.") from error
        raise CorpusError(path, f"cannot be read ({error.strerror}). Check its rights.") from error


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, _guess_encoding(data), line=line) from error


def _not_utf8(path: Path, found: str | None, *, line: int) -> EncodingError:
    looks = f"it looks like {found}" if found else "no known encoding fits"
    cure = (
        f"Convert it, for instance with: iconv -f {found.upper()} -t UTF-8 {path.name}"
        if found
        else "Save it as UTF-8."
    )
    return EncodingError(path, f"is not UTF-8 ({looks}). {cure}", encoding=found, line=line)


def _hidden_encoding(data: bytes) -> str | None:
    """An encoding whose bytes UTF-8 lets through.

    Every other byte of Latin text in UTF-16 is NUL; ISO-2022-JP has escape sequences.
    """
    sample = data[:2_000]
    if len(sample) > 1 and sample.count(0) * 4 > len(sample):
        return "utf-16-le" if sample[1::2].count(0) >= sample[::2].count(0) else "utf-16-be"
    return "iso2022_jp" if b"\x1b$" in data else None


def _guess_encoding(data: bytes) -> str | None:
    """The encoding whose text reads most like Japanese or Latin prose."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if hidden := _hidden_encoding(data):
        return hidden
    best: tuple[float, str] | None = None
    for name in _OTHER_ENCODINGS:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        usual = sum(
            bool(_KANA.match(c) or _HAN.match(c))
            or (c.isascii() and (c.isprintable() or c.isspace()))
            for c in text
        )
        kana = len(_KANA.findall(text))
        rating = (usual + kana) / max(len(text), 1)
        if best is None or rating > best[0]:
            best = (rating, name)
    return best[1] if best else None


def _metadata_beside(path: Path) -> tuple[_MetadataFile, bytes]:
    beside = path.with_suffix(".toml")
    if not beside.exists():
        return _MetadataFile(), b""
    data = _bytes_of(beside)
    text = _decode(beside, data)
    try:
        return _MetadataFile.model_validate(tomllib.loads(text.removeprefix("\ufeff"))), data
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) if line else text.count("\n") + 1
        raise MetadataError(beside, f"is not valid TOML: {error}.", line=number) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = ", ".join(_MetadataFile.model_fields)
        reason = (
            f"the key {key!r} is not known" if first["type"] == "extra_forbidden" else first["msg"]
        )
        raise MetadataError(
            beside, f"{key}: {reason}. Known keys: {known}.", line=_line_of_key(text, key)
        ) from error


def _line_of_key(text: str, key: str) -> int:
    """The line that sets `part.number`: `number = …` below `[part]`, or the table itself."""
    table, _, name = key.rpartition(".")
    here, found = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        if opened := _TABLE_LINE.match(line):
            here = opened["name"]
            if here in (key, table):
                found = number
        elif (here == table and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[.=]", line)) or (
            not here and re.match(rf"\s*{re.escape(key)}\s*=", line)
        ):
            return number
    return found


def _records(
    path: Path, relative: str, text: str, described: _MetadataFile, metadata_bytes: bytes
) -> Iterator[Source]:
    """One document a line: {"id", "title", "text"}; offsets count in the record's text."""
    collection = _readable_id(described.id or path.stem)
    seen: dict[str, int] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        record = _record(path, number, line)
        id = f"{collection}.{_readable_id(str(record['id']))}"
        if id in seen:
            raise DuplicateError(
                path,
                f"the id {record['id']!r} is also on line {seen[id]}. Give each record its own.",
                other=path,
                line=number,
            )
        seen[id] = number
        yield Source(
            id=id,
            path=relative,
            format="jsonl",
            text=record["text"],
            metadata=_metadata(
                _with_title(described, record.get("title")), title=id, text=record["text"]
            ),
            sha256=hashlib.sha256(
                line.encode("utf-8", "surrogatepass") + b"\0" + metadata_bytes
            ).hexdigest(),
        )
    if not seen:
        raise CorpusError(path, 'is empty. One {"id", "title", "text"} a line is expected.')


def _with_title(described: _MetadataFile, title: str | None) -> _MetadataFile:
    """A record's own title goes before the collection's."""
    return described.model_copy(update={"title": title}) if title else described


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(path, f"is not valid JSON: {error}.", line=number) from error
    if not isinstance(record, dict):
        raise CorpusError(path, 'is not an object {"id", "title", "text"}.', line=number)
    for key, kinds in (("id", (str, int)), ("text", (str,))):
        value = record.get(key)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise CorpusError(path, f"needs {key!r}, a string.", line=number)
    if not isinstance(record.get("title", ""), str):
        raise CorpusError(path, "needs 'title' to be a string.", line=number)
    if not str(record["id"]).strip():
        raise CorpusError(path, "has an empty 'id'. Give each record its own.", line=number)
    for key in ("id", "title", "text"):
        if _SURROGATE.search(str(record.get(key, ""))):
            raise CorpusError(
                path, f"has half a surrogate pair (\\ud800…) in {key!r}: mend it.", line=number
            )
    if not record["text"].strip():
        raise CorpusError(path, "has an empty 'text'. Remove the record or fill it.", line=number)
    return record


def _metadata(described: _MetadataFile, *, title: str, text: str) -> Metadata:
    return Metadata(
        title=described.title or title,
        edition=described.edition,
        language=described.language or _guess_language(text),
        publisher=described.publisher,
        published=described.published,
        licence=described.licence,
        source=described.source,
        part=Heading(described.part.number, described.part.title) if described.part else None,
        chapter=Heading(described.chapter.number, described.chapter.title)
        if described.chapter
        else None,
    )


def _title_of(path: Path, text: str) -> str:
    """The single `# Title` of a .md, the short first line of a .txt, else the file's name."""
    text = text.removeprefix("\ufeff")
    if path.suffix.lower() == ".md":
        code = fenced_lines(text)  # where # opens a remark
        titles = [
            match["title"].rstrip("# \t").strip("*_ ")
            for match in _TITLE_LINE.finditer(text)
            if match.start() not in code
        ]
        return titles[0] if len(titles) == 1 and titles[0] else path.stem
    first, _, rest = text.lstrip(" \t\r\n\f　").partition("\n")
    is_title = len(first) <= _TITLE_MAX_CHARACTERS and _stands_above(rest)
    title = first.strip()
    return (
        title if is_title and not ends_sentence(title) and not heading_number(title) else path.stem
    )


def _stands_above(text: str) -> bool:
    """Whether what follows shows that the line above is a title: nothing, a line in brackets
    （令和三年条例第五号）, or the first chapter or article."""
    line = text.partition("\n")[0].strip()
    number = heading_number(line)
    bracketed = line[:1] in "（(" and line[-1:] in "）)"
    return not line or bracketed or (number is not None and number.level in UNITS)


def _guess_language(text: str) -> str:
    """By script: kana make Japanese, Hangul Korean, other Chinese characters Chinese."""
    sample = text[:20_000]
    if len(_KANA.findall(sample)) * 50 > len(sample.strip()):
        return "ja"
    if len(_HANGUL.findall(sample)) * 10 > len(sample.strip()):
        return "ko"
    if len(_HAN.findall(sample)) * 4 > len(sample.strip()):
        return "zh"
    return "en" if re.search("[A-Za-z]", sample) else "und"


def _readable_id(text: str) -> str:
    """Lower-case letters, digits, `-`, `_` and `.`; a short hash where little else is left."""
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")
    if kept == folded:
        return kept
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else f"document-{digest}"


def _refuse_duplicates(sources: list[Source]) -> None:
    by_id: dict[str, Source] = {}
    by_text: dict[str, Source] = {}
    for source in sources:
        if other := by_id.get(source.id):
            raise DuplicateError(
                source.path,
                f"has the id {source.id!r}, as {other.path} has. "
                "Rename one, or set `id` in its .toml.",
                other=other.path,
            )
        by_id[source.id] = source
        digest = hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
        other = by_text.get(digest)
        if other is not None and "jsonl" not in (source.format, other.format):
            raise DuplicateError(
                source.path,
                f"has the same text as {other.path}. Remove one of them.",
                other=other.path,
            )
        by_text[digest] = source
