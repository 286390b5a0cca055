"""The HTML report: one file that opens from disk, with nothing to load from elsewhere."""

import importlib.resources

import jinja2


def render(publication: dict, figures: dict[str, str]) -> str:
    """Page about a `publication`; `figures` are SVG texts by name (mood, elbow)."""
    template = importlib.resources.files(__package__).joinpath("report.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{share:.0%}"
    environment.filters["figure"] = _figure
    return environment.from_string(template).render(publication=publication, figures=figures)


def _figure(value: float | int | str) -> str:
    """A number for readers: thousands apart, no needless decimals."""
    return value if isinstance(value, str) else f"{value:,.10g}"
