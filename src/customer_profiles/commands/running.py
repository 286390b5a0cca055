"""Subcommands that run, choose, record and measure; and the generator of the sample."""

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from customer_profiles.commands.reporting import PLAIN, reporting

app = typer.Typer(**PLAIN)


@app.command()
def run(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="A stage of dvc.yaml.")],
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show warnings and errors of the notebook alone.")
    ] = False,
) -> None:
    """Run the notebook of a stage, with the values of params.yaml; `dvc repro` calls this."""
    # jsonschema, which papermill imports, would compile a grammar of URIs for a second and more, to
    # check a kind of value that no notebook holds.
    sys.modules.setdefault("rfc3987_syntax", None)
    from customer_profiles.pipeline import run_notebook

    with reporting(level=logging.WARNING):
        quiet = quiet or os.environ.get("TQDM_DISABLE", "0") != "0"
        raise typer.Exit(run_notebook.command(stage, quiet))


@app.command()
def choose(
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...")],
) -> None:
    """Set profile and input folders (fetch.source) in params.yaml; `make repro` calls this."""
    from customer_profiles.pipeline import choose as choices

    with reporting(code=2):
        choices.choose(values)


@app.command()
def room(profile: Annotated[str, typer.Argument(metavar="PROFILE")]) -> None:
    """Check disk and memory for a profile's encoder; `make wheels` calls this first."""
    from customer_profiles.project import params, paths
    from customer_profiles.sentiment.model.pretrained import room as rooms

    with reporting(MemoryError, code=2):
        chosen = params.stage("encoder", params.parse({**params.read(), "profile": profile}))
        folder = paths.inside("data/input/wheels")
        typer.echo(rooms.before_download(chosen["origin"], folder, chosen["encoder_gb"]))


@app.command()
def summary() -> None:
    """Show the main figures of the last run."""
    from customer_profiles.pipeline import summary as summaries

    with reporting():
        typer.echo(summaries.summary())


@app.command()
def results(
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Only draw the table and the figures again.")
    ] = False,
    test_posts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sentiment140's testdata.manual.2009.06.14.csv: also record the accuracy on it.",
        ),
    ] = None,
) -> None:
    """Record the last run in docs/results; draw the README's table and figures."""
    from customer_profiles.pipeline import results as recorded

    with reporting(RuntimeError, stream=sys.stdout):
        recorded.command(redraw, test_posts)


@app.command()
def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="With the columns label and text.")
    ],
) -> None:
    """Measure the model on posts about your own brand, which people labelled.

    Labels are negative, neutral and positive, or numbers as in 0 1 2, -1 0 1 or 0 2 4. No text is
    shown or stored.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # before tqdm is imported: the report is enough
    from customer_profiles.pipeline import labelled_posts

    with reporting():
        typer.echo(labelled_posts.evaluated(file))


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
def mlflow(port: Annotated[int, typer.Option(min=1, max=65535)] = 5000) -> None:
    """Serve MLflow's page, and print the links to its runs; `make mlflow` calls this."""
    from customer_profiles.pipeline.tracking import server

    with reporting():
        for name, link in server.links(port).items():
            typer.echo(f"{name:<11}{link}")
        server.serve(port)


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
