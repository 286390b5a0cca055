"""Subcommands of readers: the API, its tokens, and the database itself."""

import logging
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from customer_profiles.commands.reporting import PLAIN, reporting

logger = logging.getLogger(__name__)

app = typer.Typer(**PLAIN)
store = typer.Typer(
    help="The database: the embedded MongoDB in data/mongo, or the one in MONGODB_URI.", **PLAIN
)
token = typer.Typer(help="Access tokens of the API.", **PLAIN)
app.add_typer(store, name="store")
app.add_typer(token, name="token")
NAME = r"[A-Za-z0-9._@-]{1,64}"


class Table(StrEnum):
    """The tables that `store export` can write."""

    PROFILES = "profiles"
    CLUSTERS = "clusters"
    OBSERVATIONS = "observations"


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
    """Revoke a token."""
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
    from customer_profiles.privacy.keys.key import reopen_key
    from customer_profiles.project import files
    from customer_profiles.store import commands, connection

    with reporting():
        manifest = connection.loaded()
        # Clusters are published, and not sealed.
        key = None if what is Table.CLUSTERS else reopen_key(manifest)
        with connection.database(manifest["audience"]) as database:
            rows = commands.table(database, what.value, key)
        files.write_csv(file, rows)
        logger.info("%s: %d rows in %s", what.value, len(rows), file.name)
