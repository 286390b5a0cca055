"""The command `customer-profiles`, put together of its subcommands.

Each subcommand imports its room when it is called: `--help` answers without TensorFlow, and does
nothing else.
"""

import os
import resource

import typer

from customer_profiles.commands import collecting, running, serving
from customer_profiles.commands.reporting import PLAIN

app = typer.Typer(
    help="Audience segments from posts on X, with proof and without identities.",
    pretty_exceptions_enable=False, **PLAIN,
)  # fmt: skip
app.add_typer(running.app)
app.add_typer(collecting.app)
app.add_typer(serving.app)


def main(arguments: list[str] | None = None) -> int:
    """Run the subcommand in `arguments` (default: the command line's); return the exit code.

    What it writes is readable by this user alone, and memory with a key in it is never dumped.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        app(arguments, prog_name="customer-profiles")
    except SystemExit as end:
        return end.code
    return 0
