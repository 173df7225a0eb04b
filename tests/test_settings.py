"""Where a setting's value comes from, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.errors import SettingsError
from qa_service.settings import LoadedSettings, Settings, load_settings, packaged_corpus


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def origin(loaded: LoadedSettings, name: str) -> str:
    return next(setting.origin for setting in loaded.listing() if setting.name == name)


def test_defaults() -> None:
    loaded = load_settings()
    assert (loaded.settings.host, loaded.settings.port) == ("127.0.0.1", 8000)
    assert loaded.settings.embedder is None
    assert origin(loaded, "port") == "default"


def test_option_before_variable_before_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "qa_service.toml").write_text("port = 1\n", encoding="utf-8")
    loaded = load_settings()
    assert (loaded.settings.port, origin(loaded, "port")) == (1, "qa_service.toml")
    monkeypatch.setenv("QA_SERVICE_PORT", "2")
    loaded = load_settings()
    assert (loaded.settings.port, origin(loaded, "port")) == (2, "QA_SERVICE_PORT")
    loaded = load_settings(port=3)
    assert (loaded.settings.port, origin(loaded, "port")) == (3, "option")
    assert load_settings(port=None).settings.port == 2


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVICE_PORT", "")
    assert load_settings().settings.port == 8000


def test_a_named_file_and_paths_from_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "office.toml").write_text('corpus = "papers"\n', encoding="utf-8")
    monkeypatch.setenv("QA_SERVICE_FILE", str(elsewhere / "office.toml"))
    assert load_settings().settings.corpus == elsewhere / "papers"


def test_corpus_and_index_of_the_working_folder(folder: Path) -> None:
    (folder / "corpus").mkdir()
    settings = load_settings().settings
    assert (settings.corpus_path, settings.index_path) == (Path("corpus"), Path("index"))


@pytest.mark.parametrize(
    ("corpus", "index"),
    [("papers", "papers-index"), ("deep/corpus", "deep/index"), ("a/report.md", "a/report-index")],
)
def test_the_index_lies_beside_the_corpus(folder: Path, corpus: str, index: str) -> None:
    place = folder / corpus
    place.parent.mkdir(exist_ok=True)
    place.touch() if place.suffix else place.mkdir()
    assert load_settings(corpus=Path(corpus)).settings.index_path == Path(index)


def test_an_empty_folder_has_the_packaged_chapter() -> None:
    assert load_settings().settings.corpus_path == packaged_corpus()
    assert list(packaged_corpus().glob("*.toml"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("LOG_LEVEL", "loud"),
        ("TRUST_REMOTE_CODE", "perhaps"),
        ("SEARCH_THREADS", "0"),
    ],
)
def test_a_bad_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"QA_SERVICE_{variable}", value)
    with pytest.raises(SettingsError, match=f"^QA_SERVICE_{variable} is '{value}': ") as caught:
        load_settings()
    assert caught.value.name == variable.lower()
    assert "The default is" in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('port = "x"', "qa_service.toml: port is 'x'"),
        ("ports = 1", "qa_service.toml: there is no setting 'ports'. The settings are: corpus,"),
        ("port = \n", "qa_service.toml is not valid TOML: .*line 1"),
    ],
)
def test_a_bad_file_is_named_with_the_key(folder: Path, content: str, message: str) -> None:
    (folder / "qa_service.toml").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_file_that_is_not_utf_8(folder: Path) -> None:
    (folder / "qa_service.toml").write_bytes("corpus = '白書'".encode("cp932"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings()


def test_a_named_file_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVICE_FILE", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"^QA_SERVICE_FILE names 'nowhere.toml'"):
        load_settings()


def test_unknown_variables_are_told_but_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Container platforms set variables such as QA_SERVICE_SERVICE_HOST of their own accord."""
    monkeypatch.setenv("QA_SERVICE_PROT", "1")
    monkeypatch.setenv("QA_SERVICE_KEY", "the clients' in examples/")
    assert load_settings().unknown_variables == ("QA_SERVICE_PROT",)


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("cors_origins", "https://a.example, b.example", "b.example is no origin"),
        ("cors_origins", "https://a.example/", "https://a.example/ is no origin"),
        ("cors_origins", "https://*.example", "is no origin"),
        ("allowed_hosts", "http://qa.example", "http://qa.example is no host name"),
        ("allowed_hosts", "qa.example/api", "qa.example/api is no host name"),
        ("host", "999.1.1.1", "that is no IP address"),
        ("host", "::g", "that is no IP address"),
    ],
)
def test_what_is_no_address_is_refused(name: str, value: str, wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(**{name: value})
    assert wrong in refused.value.message
    assert f"--{name.replace('_', '-')} is " in refused.value.message


def test_addresses_that_are_fine() -> None:
    given = {
        "cors_origins": "https://a.example:8443, http://localhost:3000, *",
        "allowed_hosts": "qa.example, 10.0.0.1, [::1]:8000, *",
    }
    for host in ("0.0.0.0", "::", "localhost", "qa.example"):
        assert load_settings(**given, host=host).settings.host == host


def test_every_setting_is_listed_with_its_meaning() -> None:
    listing = load_settings().listing()
    assert [setting.name for setting in listing] == list(Settings.model_fields)
    assert all(setting.description and setting.value is not None for setting in listing)


def test_what_belongs_to_one_corpus_is_not_shared_with_its_neighbour(tmp_path: Path) -> None:
    corpus = load_settings(corpus=tmp_path / "corpus").settings
    reports = load_settings(corpus=tmp_path / "reports").settings
    assert corpus.keys_path == tmp_path / "keys.json"
    assert reports.keys_path == tmp_path / "reports-keys.json"
    assert reports.feedback_path == tmp_path / "reports-feedback.sqlite3"
