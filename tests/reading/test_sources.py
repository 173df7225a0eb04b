"""Files to sources: encodings, metadata, collections, and what is wrong with broken ones."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from qa_service.errors import CorpusError, DuplicateError, EncodingError, MetadataError
from qa_service.reading.sources import find_skipped, read_corpus, read_sources

_TEXT = "# 海洋の観測\n\n海洋の観測は、国の責務である。\n"


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def test_a_file_without_metadata(tmp_path: Path) -> None:
    (source,) = read_sources(_write(tmp_path, "ocean.md", _TEXT))
    assert (source.id, source.path, source.format) == ("ocean", "ocean.md", "md")
    assert (source.metadata.title, source.metadata.language) == ("海洋の観測", "ja")
    assert source.metadata.chapter is None


def test_metadata_beside_the_file(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "ocean.toml",
        'id = "kaiyo"\ntitle = "海洋白書"\nlanguage = "ja"\npublished = 2024-07-12\n'
        '[chapter]\nnumber = "第2章"\ntitle = "観測"\n',
    )
    (source,) = read_sources(_write(tmp_path, "ocean.md", _TEXT))
    assert source.id == "kaiyo"
    assert source.metadata.title == "海洋白書"
    assert source.metadata.published == date(2024, 7, 12)
    assert str(source.metadata.chapter) == "第2章 観測"


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("防災計画\n\n第1章 総則\n", "防災計画"),
        ("第1章 総則\n\n市民を守る。\n", "plan"),
        ("市民を守る。\n\nまた守る。\n", "plan"),
        ("市民を守り\n町を守る。\n", "plan"),
    ],
    ids=["title", "heading", "sentence", "wrapped"],
)
def test_the_title_of_a_plain_text(tmp_path: Path, content: str, title: str) -> None:
    (source,) = read_sources(_write(tmp_path, "plan.txt", content))
    assert source.metadata.title == title


def test_the_text_is_the_file_unchanged(tmp_path: Path) -> None:
    content = "\ufeff一行目\r\n二行目\r三行目\u2028四行目\n"
    (source,) = read_sources(_write(tmp_path, "a.txt", content))
    assert source.text == content


def test_the_hash_changes_with_the_metadata(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.md", _TEXT)
    before = read_sources(path)[0].sha256
    _write(tmp_path, "a.toml", 'title = "別の題"')
    assert read_sources(path)[0].sha256 != before


def test_a_corpus_is_sorted_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.txt", "README.md", ".hidden/d.md", "e.pdf"):
        _write(tmp_path, name, f"{name}の本文。")
    (tmp_path / "folder.md").mkdir()
    assert [source.path for source in read_corpus(tmp_path)] == ["a/c.txt", "b.md"]


def test_ids_are_safe_in_urls(tmp_path: Path) -> None:
    ids = {read_sources(_write(tmp_path, f"{name}.md", name))[0].id for name in ("海", "洋", "A b")}
    assert len(ids) == 3
    assert all(id.isascii() and id == id.lower() and " " not in id for id in ids)


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "iso2022_jp", "utf-16"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    text = "# 海洋の観測\n\n" + "海洋の観測は、国の責務であり、毎年これを行うこととする。\n" * 3
    with pytest.raises(EncodingError, match="is not UTF-8") as caught:
        read_sources(_write(tmp_path, "a.md", text.encode(encoding)))
    assert caught.value.encoding == encoding
    assert f"iconv -f {encoding.upper()}" in caught.value.message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(EncodingError) as caught:
        read_sources(_write(tmp_path, "a.txt", "The ocean is deep.\n".encode(encoding)))
    assert caught.value.encoding == encoding


def test_the_line_of_the_first_wrong_byte(tmp_path: Path) -> None:
    with pytest.raises(EncodingError) as caught:
        read_sources(_write(tmp_path, "a.md", "一\n二\n".encode() + b"\xff\n"))
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('title = "a"\nedition = \n', 2, "not valid TOML"),
        ('title = "a"\ntitle = "b"\n', 2, "not valid TOML"),
        ('title = "a"\n\ntitel = "b"\n', 3, "'titel' is not known"),
        ('edition = "title"\ntitle = 5\n', 2, "title"),
        ('title = "a"\npublished = "2024"\n', 2, "published"),
        ('[part]\nnumber = "1"\ntitle = "a"\n[chapter]\nnumber = 2\ntitle = "b"\n', 5, "chapter"),
        ('title = "a"\n[chapter]\nnumber = "2"\n', 2, "chapter.title"),
        ('title = "a\u2028b"\npart = 3\n', 2, "part"),
    ],
    ids=["syntax", "twice", "unknown key", "number", "date", "in a table", "missing", "separator"],
)
def test_broken_metadata(tmp_path: Path, content: str, line: int, words: str) -> None:
    beside = _write(tmp_path, "a.toml", content)
    with pytest.raises(MetadataError, match=words) as caught:
        read_sources(_write(tmp_path, "a.md", _TEXT))
    assert caught.value.line == line
    assert caught.value.message.startswith(f"{beside}:{line}: ")


def test_metadata_in_another_encoding(tmp_path: Path) -> None:
    beside = _write(tmp_path, "a.toml", 'title = "海洋の観測をする白書"'.encode("cp932"))
    with pytest.raises(EncodingError) as caught:
        read_sources(_write(tmp_path, "a.md", _TEXT))
    assert caught.value.path == str(beside)


def test_missing_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not there"):
        read_corpus(tmp_path / "nothing")


def test_corpus_without_documents(tmp_path: Path) -> None:
    _write(tmp_path, "README.md", "文書ではない。")
    with pytest.raises(CorpusError, match="holds no document"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.jsonl"])
@pytest.mark.parametrize("content", ["", " \n\t\n　"], ids=["empty", "blank"])
def test_empty_file(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(CorpusError, match="is empty"):
        read_sources(_write(tmp_path, name, content))


def test_a_comment_in_code_is_no_title(tmp_path: Path) -> None:
    text = "# 手引\n\n```bash\n# install\npip install x\n```\n\n本文。\n"
    (source,) = read_sources(_write(tmp_path, "a.md", text))
    assert source.metadata.title == "手引"


def test_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "gone.md")
    with pytest.raises(CorpusError, match=r"a\.md: is a link to nothing"):
        read_corpus(tmp_path)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(CorpusError, match=r"a\.md: cannot be read"):
        read_sources(tmp_path / "a.md")


def test_another_format(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="not one of the formats"):
        read_sources(_write(tmp_path, "a.pdf", "海"))


def test_two_files_of_one_id(tmp_path: Path) -> None:
    _write(tmp_path, "a.md", "海の本文。")
    _write(tmp_path, "a.txt", "空の本文。")
    with pytest.raises(DuplicateError, match="has the id 'a'") as caught:
        read_corpus(tmp_path)
    assert caught.value.other == "a.md"


def test_two_files_of_one_text(tmp_path: Path) -> None:
    _write(tmp_path, "a.md", _TEXT)
    _write(tmp_path, "b.md", _TEXT)
    with pytest.raises(DuplicateError, match=r"same text as a\.md"):
        read_corpus(tmp_path)


def _lines(*records: object) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def test_collection(tmp_path: Path) -> None:
    content = "\ufeff" + _lines(
        {"id": "x1", "title": "海", "text": "海の\u2028本文。"},
        {"id": 2, "text": "空の本文。", "more": [1]},
    )
    first, second = read_sources(_write(tmp_path, "set.jsonl", content))
    assert (first.id, first.metadata.title, first.text) == ("set.x1", "海", "海の\u2028本文。")
    assert (second.id, second.metadata.title) == ("set.2", "set.2")
    assert first.sha256 != second.sha256


def test_records_may_share_a_text(tmp_path: Path) -> None:
    content = _lines({"id": "a", "text": "海。"}, {"id": "b", "text": "海。"})
    assert len(read_corpus(_write(tmp_path, "set.jsonl", content))) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a", "text": ', "not valid JSON"),
        ('{"id": ' + "9" * 5_000 + ', "text": "海"}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('["a", "海"]', "not an object"),
        ('{"text": "海"}', "needs 'id'"),
        ('{"id": true, "text": "海"}', "needs 'id'"),
        ('{"id": "", "text": "海"}', "empty 'id'"),
        ('{"id": "a", "text": 5}', "needs 'text'"),
        ('{"id": "a", "text": " "}', "empty 'text'"),
        ('{"id": "a", "title": 5, "text": "海"}', "'title'"),
        ('{"id": "a", "text": "\\ud800"}', "surrogate"),
        ('{"id": "first", "text": "海"}', "also on line 1"),
    ],
    ids=lambda value: value[:20],
)
def test_broken_record(tmp_path: Path, line: str, words: str) -> None:
    path = _write(tmp_path, "set.jsonl", f'{{"id": "first", "text": "空"}}\n\n{line}\n')
    with pytest.raises(CorpusError, match=words) as caught:
        read_sources(path)
    assert caught.value.line == 3
    assert caught.value.message.startswith(f"{path}:3: ")


def test_a_records_checksum_changes_with_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "title": "t", "text": "本文。"}\n', encoding="utf-8")
    before = read_sources(path)[0].sha256
    (tmp_path / "a.toml").write_text('licence = "CC BY 4.0"\n', encoding="utf-8")
    assert read_sources(path)[0].sha256 != before


def test_all_faulty_files_are_named_at_once(tmp_path: Path) -> None:
    for name in ("a.txt", "b.md"):
        (tmp_path / name).write_bytes("日本".encode("cp932"))
    (tmp_path / "c.txt").write_text("海は広い。", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"2 files cannot be read:(?s:.*)a\.txt(?s:.*)b\.md"):
        read_corpus(tmp_path)


def test_what_is_left_out(tmp_path: Path) -> None:
    for name in ("a.md", "a.toml", "b.toml", "c.html", "README.md", ".hidden.txt"):
        (tmp_path / name).write_text(
            "" if name.endswith("toml") else "海は広い。", encoding="utf-8"
        )
    (tmp_path / "d.txt").write_text(" \n\u3000", encoding="utf-8")
    assert find_skipped(tmp_path) == ("b.toml", "c.html", "d.txt")
    assert find_skipped(tmp_path / "a.md") == ()
