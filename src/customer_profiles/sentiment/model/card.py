"""The model's card: the languages and data of a saved sentiment model, kept in its folder.

It holds measured figures of the validation posts, which chose the model; those of the test posts
are in data/reports/sentiment.json.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from customer_profiles.project import files

CARD = Path("assets.extra/card.json")
# Languages (ISO 639-1) of the posts that the models learn from and are measured on.
LANGUAGES = ("en",)
LEARNED, TEXTBLOB = "learned", "textblob"  # answers to the question of subjectivity


@dataclass(frozen=True)
class Card:
    """Facts about a saved model.

    `invented`: the posts of three classes that it learned from were invented. `rows`: training
    posts by source. `subjectivity`: LEARNED, or TEXTBLOB as in the original design. `validation`:
    accuracy of the three classes with its interval `low`, `high`, `n`, and `macro_recall`.
    """

    invented: bool
    rows: dict[str, int]
    subjectivity: str
    validation: dict[str, float]
    languages: tuple[str, ...] = LANGUAGES


def write(folder: Path, card: Card) -> None:
    """Write `card` into the model's `folder`."""
    files.write_json(folder / CARD, asdict(card))


def read(folder: Path) -> Card:
    """Card of the model in `folder`. Raises ValueError without a card, or for a damaged one."""
    file = folder / CARD
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        card = Card(**{**values, "languages": tuple(values["languages"])})
    except FileNotFoundError:
        raise ValueError(
            f"the model {folder.name} has no {CARD}; run `dvc repro finetune`"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        names = ", ".join(field.name for field in fields(Card))
        raise ValueError(
            f"{CARD} of the model {folder.name} must hold {names}; run `dvc repro finetune`"
        ) from error
    return card


def scorer(folder: Path) -> str:
    """Digest, 16 hex digits, of all that a rating by the model in `folder` depends on."""
    return files.digest(folder)[:16]


def caution(card: Card) -> str:
    """Warning for readers of ratings of real posts by this model; "" if there is none."""
    if not card.invented:
        return ""
    return (
        "The model that rated these posts learned from invented posts, and from none that people "
        "labelled, so many of its ratings of real posts are wrong. To train one on posts labelled "
        "by people, run make repro PROFILE=standard, or PROFILE=best."
    )
