"""Subcommands that collect from X, and that erase what was collected."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from customer_profiles.commands.reporting import PLAIN, reporting

app = typer.Typer(**PLAIN)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; only count.")]


@app.command()
def collect(dry_run: DryRun = False) -> None:
    """Fetch posts about the brand from X into data/collect, as section collect says."""
    from customer_profiles.collect import command

    with reporting(KeyError):
        raise typer.Exit(command.collect(dry_run))


@app.command()
def stream() -> None:
    """Collect live: posts are scored as they come, until Ctrl-C or the end of the budget."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # before tqdm is imported: no bar for every batch
    from customer_profiles.collect.stream import stream as live

    with reporting(KeyError, format="%(asctime)s %(message)s"):
        raise typer.Exit(live.command())


@app.command()
def comply(
    dry_run: DryRun = False,
    pages: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Only these pages, instead of all pages held."),
    ] = None,
) -> None:
    """Ask X which posts and users are deleted by now, and erase what is held of those.

    The token of your app for X is taken from X_BEARER_TOKEN. With --dry-run and without a token X
    is not asked, and only said is how many it would be asked about.
    """
    from customer_profiles.erasure import compliance

    with reporting():
        compliance.command(pages, dry_run)


@app.command()
def purge(
    # No choices: their error would repeat what was given, which may be an id.
    kind: Annotated[str, typer.Argument(metavar="author|post")],
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    dry_run: DryRun = False,
) -> None:
    """Erase all that is held of authors or posts, by their ids of X.

    Give - to read ids from standard input: a command line can be seen by others on the machine,
    and is kept in the shell's history.
    """
    from customer_profiles.erasure import erasing

    with reporting():
        erasing.purge(kind, _given(ids), dry_run)


def _given(ids: list[str]) -> list[str]:
    """The `ids` of a command line, with those of standard input where one is "-"."""
    read = sys.stdin.read().split() if "-" in ids else []
    return [number for number in ids if number != "-"] + read


@app.command()
def access(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
) -> None:
    """Show all that is held of authors, by their ids of X, as JSON; - reads the ids from stdin."""
    import json

    from customer_profiles.erasure import access as held

    with reporting(stream=sys.stderr):
        typer.echo(json.dumps(held.access(_given(ids)), indent=2, default=str))


@app.command()
def expire(
    days: Annotated[int | None, typer.Option(help="Default: expire_days in params.yaml.")] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="Default: as_of in params.yaml.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Remove observations that are too old, from the database and from files."""
    from customer_profiles.erasure import erasing

    with reporting():
        erasing.expire(days, as_of, dry_run)


@app.command()
def clean_former() -> None:
    """Delete former figures about people from DVC's cache and from MLflow, after an erasure."""
    from customer_profiles.pipeline import former

    with reporting(RuntimeError):
        former.clean()


@app.command()
def rotate() -> None:
    """Remove all that was made under the project's key, and make a new key."""
    from customer_profiles.erasure import key_rotation

    with reporting():
        key_rotation.rotate()
