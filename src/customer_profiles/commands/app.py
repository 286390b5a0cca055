"""The command `customer-profiles` and its subcommands.

Each subcommand imports its room when it is called: `--help` answers without TensorFlow, and does
nothing else.
"""

import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

logger = logging.getLogger(__name__)

# A plain terminal's text: no boxes, no colours, no traceback of Rich's.
PLAIN = {"rich_markup_mode": None, "no_args_is_help": True, "add_completion": False}
app = typer.Typer(
    help="Audience segments from posts on X, with proof and without identities.",
    pretty_exceptions_enable=False, **PLAIN,
)  # fmt: skip
store = typer.Typer(
    help="The database: the embedded MongoDB in data/mongo, or the one in MONGODB_URI.", **PLAIN
)
token = typer.Typer(help="Who may ask the API.", **PLAIN)
app.add_typer(store, name="store")
app.add_typer(token, name="token")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing: only say how much.")]
NAME = r"[A-Za-z0-9._@-]{1,64}"


class Table(StrEnum):
    """The tables that `store export` can write."""

    PROFILES = "profiles"
    CLUSTERS = "clusters"
    OBSERVATIONS = "observations"


def main(arguments: list[str] | None = None) -> int:
    """Run the subcommand in `arguments` (default: the command line's); return the exit code."""
    try:
        app(arguments, prog_name="customer-profiles")
    except SystemExit as end:
        return end.code
    return 0


@contextmanager
def reporting(*errors: type[Exception], code: int = 1, **options) -> Iterator[None]:
    """Log by `options` (logging.basicConfig); exit with `code` after an error that can be mended.

    Such errors are ValueError, OSError, those of X and the database, and `errors`: each is logged
    as one line. Any other error shows a traceback.
    """
    logging.basicConfig(**{"level": logging.INFO, "format": "%(message)s"} | options)
    try:
        yield
    except typer.Exit:  # a RuntimeError to Python
        raise
    except Exception as error:
        if not isinstance(error, (*errors, ValueError, OSError, *_raised_by_services())):
            raise
        logger.error("error: %s", error.args[0] if isinstance(error, KeyError) else error)
        raise typer.Exit(code) from None


def _raised_by_services() -> tuple[type[Exception], ...]:
    # Only when something went wrong: importing their drivers would slow every `--help`.
    from customer_profiles.collect.x_api.errors import XError
    from customer_profiles.store.errors import StoreError

    return StoreError, XError


@app.command()
def run(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="A stage of dvc.yaml.")],
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show warnings and errors of the notebook alone.")
    ] = False,
) -> None:
    """Run the notebook of a stage, with the values of params.yaml; `dvc repro` calls this."""
    from customer_profiles.pipeline import run_notebook

    with reporting(level=logging.WARNING):
        quiet = quiet or os.environ.get("TQDM_DISABLE", "0") != "0"
        raise typer.Exit(run_notebook.command(stage, quiet))


@app.command()
def choose(
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...")],
) -> None:
    """Set profile, fetch.source or pull.archive in params.yaml; `make repro` calls this."""
    from customer_profiles.pipeline import choose as choices

    with reporting(code=2):
        choices.choose(values)


@app.command()
def summary() -> None:
    """Show the main figures of the last run."""
    from customer_profiles.pipeline import summary as summaries

    with reporting():
        typer.echo(summaries.summary())


@app.command()
def results(
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Only draw the table and the figures anew.")
    ] = False,
) -> None:
    """Record the last run in docs/results; draw the README's table and figures."""
    from customer_profiles.pipeline import results as recorded

    with reporting(RuntimeError, stream=sys.stdout):
        recorded.command(redraw)


@app.command()
def plots(file: Annotated[Path, typer.Argument(metavar="FILE.html")]) -> None:
    """Write a template for `dvc plots` that needs no network; `make plots` calls this."""
    from customer_profiles.pipeline import dvc_plots
    from customer_profiles.project import files

    with reporting():
        files.write_text(file, dvc_plots.template())


@app.command()
def sweep(
    values: Annotated[list[str], typer.Argument(metavar="finetune.NAME=VALUE,VALUE...")],
    rows: Annotated[int, typer.Option(help="Training posts at most; 0: all.")] = 10_000,
    validation_rows: Annotated[int, typer.Option(help="Validation posts at most; 0: all.")] = 5_000,
) -> None:
    """Train every combination of settings on few rows, and compare them in MLflow."""
    from customer_profiles.pipeline import sweep as sweeps

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends the runs like Ctrl-C
    with reporting(FloatingPointError, code=2):
        raise typer.Exit(sweeps.command(values, rows, validation_rows))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]")] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Do a part of the work, and write nothing.")
    ] = False,
) -> None:
    """Measure, by default everything, each benchmark in a process of its own."""
    from customer_profiles.bench import runner

    with reporting(code=2, stream=sys.stdout):
        raise typer.Exit(runner.command(names or [], short))


@app.command()
def sample(
    posts: int | None = None,
    authors: int | None = None,
    days: int | None = None,
    seed: int | None = None,
) -> None:
    """Generate data/sample anew, byte for byte, from data/sample/brand_posts.csv."""
    from customer_profiles.sample import generator

    numbers = {"posts": posts, "authors": authors, "days": days, "seed": seed}
    with reporting():
        generator.rewrite(**{name: n for name, n in numbers.items() if n is not None})


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
        read = sys.stdin.read().split() if "-" in ids else []
        erasing.purge(kind, [number for number in ids if number != "-"] + read, dry_run)


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
def rotate() -> None:
    """Remove all that was made under the project's key, and make a new key."""
    from customer_profiles.erasure import key_rotation

    with reporting():
        key_rotation.rotate()


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
) -> None:
    """Serve the API and the page, until interrupted."""
    from customer_profiles.api import server

    with reporting():
        server.serve(host, port)


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Until it expires.")] = 90,
) -> None:
    """Make a token and print it, once."""
    from datetime import UTC, datetime

    from customer_profiles.store import connection, tokens

    if not re.fullmatch(NAME, name):
        raise typer.BadParameter(
            f"NAME must be 1 to 64 letters, digits or . _ @ -, got {name!r}", param_hint="NAME"
        )
    with reporting(), connection.database() as database:
        made = tokens.create(database, name, days, datetime.now(UTC).date())
        logger.info("token %s, for %d days; it is not shown again:", name, days)
        typer.echo(made)


@token.command("list")
def list_tokens() -> None:
    """Show names and days of expiry."""
    from customer_profiles.store import connection, tokens

    with reporting(), connection.database() as database:
        for row in tokens.listed(database):
            typer.echo(f"{row['_id']}\tcreated {row['created']}\texpires {row['expires']}")


@token.command("revoke")
def revoke_token(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Make a token invalid."""
    from customer_profiles.store import connection, tokens

    with reporting(), connection.database() as database:
        tokens.revoke(database, name)
        logger.info("token %s is revoked", name)


@store.command()
def up() -> None:
    """Start the embedded MongoDB, to run until `down`."""
    from customer_profiles.store import commands

    with reporting():
        typer.echo(commands.up())


@store.command()
def down() -> None:
    """Stop the embedded MongoDB, unless a process uses it."""
    from customer_profiles.store import commands

    with reporting():
        typer.echo(commands.down())


@store.command()
def status() -> None:
    """Show whether the database runs, and what it holds."""
    from customer_profiles.store import commands

    with reporting():
        typer.echo("\n".join(commands.status()))


@store.command()
def export(what: Table, file: Annotated[Path, typer.Argument(metavar="FILE.csv")]) -> None:
    """Write what the database holds to a CSV file."""
    from customer_profiles.project import files
    from customer_profiles.store import commands, connection

    with reporting():
        with connection.database() as database:
            rows = commands.table(database, what.value)
        files.write_csv(file, rows)
        logger.info("%s: %d rows in %s", what.value, len(rows), file.name)
