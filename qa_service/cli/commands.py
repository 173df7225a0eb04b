"""Each command: its options, then one call of the part that does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qa_service.cli import feedback, keys
from qa_service.types import PassageKind

app = typer.Typer(
    name="qa-service",
    help="Ask long official documents; every citation can be checked.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(feedback.app)
app.add_typer(keys.app)

CorpusOption = Annotated[
    Path | None, typer.Option("--corpus", help="Folder (or one file) of documents.")
]
IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index.")]
EmbedderOption = Annotated[
    str | None,
    typer.Option("--embedder", help="builtin, or a sentence-transformers model: name or folder."),
]
RerankerOption = Annotated[
    str | None,
    typer.Option("--reranker", help="Cross-encoder of sentence-transformers: name or folder."),
]
ModeOption = Annotated[
    Literal["hybrid", "dense", "lexical"],
    typer.Option("--mode", help="Rank by meaning and words, by meaning, or by words."),
]
AnswerModeOption = Annotated[
    Literal["auto", "extractive", "generated"],
    typer.Option("--mode", help="Quote the documents, or generate by the language model set up."),
]
LanguageOption = Annotated[
    str, typer.Option("--language", help="Language of the answer: ja, en, …; auto: the question's.")
]
QuestionArgument = Annotated[
    list[str],
    typer.Argument(
        help="What you want to know, in any language; quotation marks keep ? and * from the shell.",
        metavar="QUESTION",
    ),
]
TopKOption = Annotated[int, typer.Option("--top-k", "-k", help="How many passages, 1 to 100.")]
SectionOption = Annotated[
    str | None, typer.Option("--section", help="Only this section and those below: 1/3")
]
KindOption = Annotated[
    list[PassageKind] | None, typer.Option("--kind", help="Only this kind; can be repeated.")
]
DocumentOption = Annotated[
    list[str] | None, typer.Option("--document", help="Only this document; can be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ApiJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as the API does.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from qa_service import __version__

        typer.echo(f"qa-service {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Ask long official documents; every citation can be checked."""


@app.command()
def index(
    corpus: CorpusOption = None, index: IndexOption = None, embedder: EmbedderOption = None
) -> None:
    """Build the index; only what has changed is embedded again."""
    from qa_service.cli.opening import build, choose_embedder, describe
    from qa_service.settings import load_settings

    settings = load_settings(corpus=corpus, index=index, embedder=embedder).settings
    typer.echo(describe(build(settings, choose_embedder(settings))))


@app.command()
def search(
    question: QuestionArgument,
    top_k: TopKOption = 5,
    mode: ModeOption = "hybrid",
    section: SectionOption = None,
    kind: KindOption = None,
    document: DocumentOption = None,
    as_json: ApiJsonOption = False,
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reranker: RerankerOption = None,
) -> None:
    """Find the passages that answer a question."""
    from qa_service.cli.opening import open_index, open_reranking
    from qa_service.settings import load_settings

    settings = load_settings(
        corpus=corpus, index=index, embedder=embedder, reranker=reranker
    ).settings

    from qa_service.retrieval.search import Mode, check_query
    from qa_service.retrieval.search import search as find
    from qa_service.types import Filters

    asked = " ".join(question)
    check_query(asked)
    filters = Filters(tuple(document or ()), tuple(kind or ()), section)
    opened = open_index(settings)
    result = find(
        opened,
        asked,
        top_k=top_k,
        mode=Mode(mode),
        filters=filters,
        reranking=open_reranking(settings),
    )
    if as_json:
        from qa_service.serving.api.schemas import SearchResponse

        typer.echo(SearchResponse.of(result).model_dump_json(indent=2))
    else:
        from qa_service.cli.display import show_result

        show_result(result)


@app.command()
def ask(
    question: QuestionArgument,
    mode: AnswerModeOption = "auto",
    language: LanguageOption = "auto",
    top_k: TopKOption = 10,
    section: SectionOption = None,
    kind: KindOption = None,
    document: DocumentOption = None,
    as_json: ApiJsonOption = False,
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reranker: RerankerOption = None,
) -> None:
    """Answer a question; every statement has its citation."""
    from qa_service.settings import load_settings

    settings = load_settings(
        corpus=corpus, index=index, embedder=embedder, reranker=reranker
    ).settings

    from qa_service.answering.answer import Request, check_request
    from qa_service.cli.asking import ask as answer
    from qa_service.cli.opening import open_generator, open_index, open_reranking
    from qa_service.types import Filters

    filters = Filters(tuple(document or ()), tuple(kind or ()), section)
    request = Request(
        " ".join(question), top_k=top_k, filters=filters, mode=mode, language=language
    )
    check_request(request)
    generator = open_generator(settings)
    opened, reranking = open_index(settings), open_reranking(settings)
    result = answer(opened, request, generator, reranking=reranking, quiet=as_json)
    if as_json:
        from qa_service.serving.api.ask_schemas import AskResponse

        typer.echo(AskResponse.of(result).model_dump_json(indent=2))


@app.command()
def chat(
    mode: AnswerModeOption = "auto",
    language: LanguageOption = "auto",
    top_k: TopKOption = 10,
    section: SectionOption = None,
    kind: KindOption = None,
    document: DocumentOption = None,
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reranker: RerankerOption = None,
) -> None:
    """Answer question after question, each in the light of those before; /quit ends."""
    from qa_service.settings import load_settings

    settings = load_settings(
        corpus=corpus, index=index, embedder=embedder, reranker=reranker
    ).settings

    from qa_service.answering.answer import Request
    from qa_service.cli.asking import converse
    from qa_service.cli.opening import open_generator, open_index, open_reranking
    from qa_service.retrieval.search import check_filters, check_top_k
    from qa_service.types import Filters

    filters = Filters(tuple(document or ()), tuple(kind or ()), section)
    check_top_k(top_k)
    generator = open_generator(settings)
    opened = open_index(settings)
    check_filters(opened, filters)
    how = Request("", top_k=top_k, filters=filters, mode=mode, language=language)
    converse(opened, how, generator, reranking=open_reranking(settings))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port; 0 picks one.")] = None,
    open: Annotated[
        bool | None,
        typer.Option("--open", help="Let other machines ask without keys."),
    ] = None,
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reranker: RerankerOption = None,
) -> None:
    """Serve the HTTP API; takes up a newer index as soon as there is one."""
    from qa_service.settings import load_settings

    loaded = load_settings(
        host=host,
        port=port,
        open=open,
        corpus=corpus,
        index=index,
        embedder=embedder,
        reranker=reranker,
    )

    from qa_service.cli.opening import (
        open_access,
        open_generator,
        open_index,
        open_reranking,
        say,
    )
    from qa_service.serving.server import address, listen, run

    settings = loaded.settings
    for variable in loaded.unknown_variables:
        say(f"{variable} is not a setting of qa-service and has no effect.")
    generator, access = open_generator(settings), open_access(settings)
    with listen(settings.host, settings.port) as listener:
        opened = open_index(settings, wait=False)
        say(f"Serving {len(opened.passages)} passages at {address(listener)} (stop with Ctrl-C)")
        run(opened, listener, settings, generator, open_reranking(settings), access)


@app.command()
def mcp(
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reranker: RerankerOption = None,
) -> None:
    """Serve agents by the Model Context Protocol, over standard input and output."""
    from qa_service.settings import load_settings

    settings = load_settings(
        corpus=corpus, index=index, embedder=embedder, reranker=reranker
    ).settings

    from qa_service.cli.opening import open_generator, open_index, open_reranking, say
    from qa_service.serving.mcp.stdio import run_stdio

    generator = open_generator(settings)
    opened = open_index(settings, wait=False)
    say(f"Serving {len(opened.passages)} passages over standard input and output (MCP)")
    run_stdio(opened, settings, generator, open_reranking(settings))


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Questions with answers, one JSON object a line.")],
    mode: ModeOption = "hybrid",
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Folder for pictures of the figures.")
    ] = None,
    as_json: JsonOption = False,
    corpus: CorpusOption = None,
    index: IndexOption = None,
    embedder: Annotated[
        list[str] | None,
        typer.Option("--embedder", help="Embedding model; several are compared."),
    ] = None,
    reranker: Annotated[
        list[str] | None,
        typer.Option("--reranker", help="Cross-encoder; compared with none, and with others."),
    ] = None,
) -> None:
    """Judge search and answers by questions whose answers are known; check every citation."""
    from qa_service.settings import load_settings

    embedders: list[str | None] = [*embedder] if embedder else [None]
    settings = load_settings(corpus=corpus, index=index).settings

    from qa_service.answer_evaluation import draw_reliability, evaluate_answers
    from qa_service.cli.comparing import compare, settings_for
    from qa_service.cli.display import report_json, show_answer_report, show_report
    from qa_service.cli.opening import open_index, open_reranking, say
    from qa_service.evaluation import evaluate as judge
    from qa_service.evaluation import read_questions
    from qa_service.retrieval.search import Mode

    questions = read_questions(file)
    judged = [question for question in questions if question.judged]
    if reranker or len(embedders) > 1:
        faults = compare(
            settings,
            judged,
            embedders=embedders,
            rerankers=reranker or [],
            mode=Mode(mode),
            plots=plots,
            as_json=as_json,
        )
        raise typer.Exit(1 if faults else 0)
    settings = settings_for(settings, embedders[0])
    opened, reranking = open_index(settings), open_reranking(settings)
    report = judge(opened, judged, mode=Mode(mode), reranking=reranking) if judged else None
    answers = evaluate_answers(opened, questions, reranking=reranking)
    if as_json:
        typer.echo(report_json(report, answers))
    else:
        if report is not None:
            show_report(report)
        show_answer_report(answers)
    if plots is not None:
        say(f"Drew {draw_reliability(answers, plots)}")
    if answers.faults or (report is not None and report.faults):
        raise typer.Exit(1)


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """List every setting: value, where it comes from, meaning."""
    from qa_service.cli.display import settings_json, show_settings
    from qa_service.settings import load_settings

    loaded = load_settings()
    if as_json:
        typer.echo(settings_json(loaded))
    else:
        show_settings(loaded)
