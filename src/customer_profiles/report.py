"""The HTML report: one file that opens from disk, with nothing to load from elsewhere."""

import importlib.resources

import jinja2

from customer_profiles import briefs, certificate, observations


def render(publication: dict, figures: dict[str, str]) -> str:
    """Page about a `publication`; `figures` are SVG texts by name (mood, elbow)."""
    template = importlib.resources.files(__package__).joinpath("report.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{share or 0:.0%}"
    environment.filters["figure"] = briefs.figure
    environment.filters["share"] = lambda share: f"{share:.1%}"
    cells = publication["cells"]
    tiers = [name for name in (cells[0] if cells else ()) if name not in ("segment", "authors")]
    return environment.from_string(template).render(
        publication=publication, figures=figures, attackers=certificate.ATTACKERS,
        tiers=tiers, titles=observations.TITLES,
    )  # fmt: skip
