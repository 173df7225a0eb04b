"""`qa-service keys …`: who may ask over the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from qa_service.keys import KeyRing

app = typer.Typer(name="keys", help="API keys: who may ask over the network.", no_args_is_help=True)

FileOption = Annotated[Path | None, typer.Option("--file", help="The file that keeps the hashes.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for: press-office, dashboard.")],
    scope: Annotated[
        Literal["read", "admin"], typer.Option("--scope", help="admin may read metrics too.")
    ] = "read",
    file: FileOption = None,
) -> None:
    """Make a key and print it, once; only its hash is kept."""
    from qa_service.cli.opening import say
    from qa_service.keys import Scope

    ring = _ring(file)
    typer.echo(ring.create(name, Scope(scope)))
    say(
        f"Keep it: it is not shown again. A service that reads {ring.path.resolve()} knows it already."
    )


@app.command("list")
def list_keys(file: FileOption = None) -> None:
    """The keys by id; never their secrets."""
    keys = _ring(file).keys
    if not keys:
        typer.echo("There are no keys. Make one: qa-service keys create NAME")
    for key in keys:
        typer.echo(f"{key.id}  {key.scope:<5}  {key.created}  {key.name}")


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="As `keys list` shows it.")], file: FileOption = None
) -> None:
    """Take a key back; a running service refuses it from now on."""
    _ring(file).revoke(id)
    typer.echo(f"Revoked {id}.")


def _ring(file: Path | None) -> KeyRing:
    from qa_service.keys import KeyRing
    from qa_service.settings import load_settings

    return KeyRing(load_settings(keys=file).settings.keys_path)
