"""params.yaml: a model of each section, which holds every type, choice and range.

The file is checked as a whole, each profile's block included, whenever any of it is read: a wrong
value of the last stage is refused before the first one begins.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from customer_profiles.project import complaints, paths, yaml_file
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, CLASSES, POST_COUNTS

Profile = Literal["quick", "standard", "best", "original"]
PROFILES: tuple[str, ...] = get_args(Profile)


def _day(text: str) -> str:
    # Other ISO forms (2026-W01-1) would not compare as text with the days of posts.
    if text and date.fromisoformat(text).isoformat() != text:
        raise ValueError
    return text


def _rising(values: list[int]) -> list[int]:
    if any(low >= high for low, high in pairwise(values)):
        raise ValueError
    return values


Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=36_500)]
# NumPy and TensorFlow take seeds below 2**32, and stages count up from theirs.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=0)]
# As written: a 1 stays a whole number, as it is in the notebook.
Weight = Annotated[float, Field(gt=0), WrapValidator(lambda value, check: check(value) and value)]
Text = Annotated[str, Field(min_length=1)]
# To YAML, digits alone are a number.
Word = Annotated[Text, BeforeValidator(lambda word: str(word) if type(word) is int else word)]
# DVC itself cannot read a params.yaml that holds a day without quotes.
Day = Annotated[
    str, AfterValidator(_day), Field(description="a day in quotes, like \"2026-06-30\", or ''")
]
Edges = Annotated[
    list[Count],
    AfterValidator(_rising),
    Field(min_length=1, description="a list of whole numbers that rise, from 1 or more"),
]
Feature = Literal[
    "polarity", "subjectivity", *CLASSES, *POST_COUNTS, "posts", *AUTHOR_COUNTS, "verified",
    "protected",
]  # fmt: skip
# What a column of a table may hold.
Column = Literal[
    "text", "author", "date", "id", "language", "favorites", "retweets", "followers", "following",
    "listed", "account_posts", "created", "verified", "protected",
]  # fmt: skip
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$", description="a code like en")]
# Counts, by which tiers can be cut.
TierField = Literal[*POST_COUNTS, "posts", *AUTHOR_COUNTS]


class Section(BaseModel):
    """A section: every name is needed, others are refused, and YAML's types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Flags(Section):
    """Bounds of posts that look like campaigns."""

    authors: Count
    days: Count
    jaccard: Annotated[float, Field(gt=0, le=1)]
    length: Count
    burst: Count
    links: Count


class Shared(Section):
    """Values for every stage whose notebook names them."""

    k_anonymity: Annotated[int, Field(ge=2)]
    expire_days: Annotated[int, Field(ge=0, le=36_500)]
    as_of: Day
    flags: Flags


class Fetch(Section):
    """The posts of Sentiment140 and those that people labelled, and how many are drawn."""

    source: Text
    labelled: Text
    official: bool
    rows: CountOrNone
    validation_rows: CountOrNone
    validation_share: Annotated[float, Field(gt=0, lt=1)]
    labelled_rows: CountOrNone
    seed: Seed


class Encoder(Section):
    """The pretrained encoder: from wheels, from TensorFlow Hub or from a folder."""

    origin: Literal["wheel", "mpnet", "hub", "folder"]
    wheel: Text
    folder: str
    train_words: bool
    # Two of the tokens mark the ends of a post; BERT knows 512 positions.
    sequence_length: Annotated[int, Field(ge=3, le=512)]
    preprocess_handle: Text
    encoder_handle: Text
    encoder_gb: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _folder_of_its_origin(self):
        if self.origin == "folder" and not self.folder:
            raise _rule(
                "encoder.folder must name the folder of a checkpoint (config.json, "
                "model.safetensors, vocab.txt), because encoder.origin is folder"
            )
        return self


class Finetune(Section):
    """Hyperparameters of the training."""

    epochs: Count
    batch_size: Count
    optimizer: Literal["adam", "adamw"]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    decay: Literal["none", "linear"]
    warmup: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    clip_norm: Annotated[float, Field(ge=0)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    pooling: Literal["mean", "pooled"]
    subjectivity: Literal["learned", "textblob"]
    mix: Share
    repeat: Count
    rows: CountOrNone
    patience: CountOrNone
    seed: Seed
    seeds: Count
    bfloat16: bool

    @model_validator(mode="after")
    def _subjectivity_from_people(self):
        if self.subjectivity == "learned" and self.mix == 1:
            raise _rule(
                "finetune.mix must be below 1 where finetune.subjectivity is learned, because only "
                "people label neutral posts"
            )
        return self


class Evaluate(Section):
    """The seed of the baselines and of the bootstrap."""

    seed: Seed


class Pull(Section):
    """The archive of posts, and which of it counts."""

    archive: Text
    columns: dict[Column, Text]
    reposts: bool

    @model_validator(mode="after")
    def _check_columns(self):
        if self.columns and not {"text", "author", "date"} <= self.columns.keys():
            raise _rule("pull.columns must name the columns of text, author and date")
        return self


class Score(Section):
    """The languages that are read."""

    languages: list[Language]


class Load(Section):
    """Which posts profiles are derived from."""

    exclude_flagged: bool


class Cluster(Section):
    """Features of the clustering, and bounds of the evidence for a number of segments."""

    features: Annotated[
        dict[Feature, Weight],
        Field(min_length=1, description="one feature or more, each with a weight above 0"),
    ]
    clip: Annotated[float, Field(gt=0.5, le=1)]
    k: CountOrNone
    k_min: Annotated[int, Field(ge=2)]
    k_max: Annotated[int, Field(ge=3)]
    draws: Count
    seeds: Count
    # A single reference has no spread: every gap above it would count as better than chance.
    references: Annotated[int, Field(ge=2)]
    jaccard: Share
    ari: Share
    bootstrap_ari: Share
    min_share: Share
    seed: Seed

    @model_validator(mode="after")
    def _range_of_k(self):
        if self.k_min >= self.k_max:
            raise _rule(
                f"cluster.k_max must be above cluster.k_min; got {self.k_max}, and k_min is "
                f"{self.k_min}"
            )
        return self


class Publish(Section):
    """Tiers of the published cells, and what the privacy certificate asks for."""

    tiers: Annotated[
        dict[TierField, Edges],
        Field(
            min_length=1, description="one field or more, each with the counts that begin a tier"
        ),
    ]
    max_suppressed: Share
    drift: Annotated[float, Field(ge=0, le=10)]
    seed: Seed


class Collect(Section):
    """Query and budget of the collection from X; prices in dollars."""

    # May name a person: a complaint does not repeat what is private.
    handles: list[Word] = Field(json_schema_extra={"private": True})
    keywords: list[Word] = Field(json_schema_extra={"private": True})
    language: str
    retweets: bool
    scope: Literal["recent", "all", "mentions"]
    start: Day
    budget: Annotated[float, Field(gt=0)]
    post_price: Price
    user_price: Price
    mention_price: Price
    keep_days: Days
    fields: Literal["tweet", "post"]
    host: Text

    @model_validator(mode="after")
    def _mentions_of_an_account(self):
        if self.scope == "mentions" and not self.handles:
            raise _rule(
                "collect.handles must name the brand's own account, because collect.scope is "
                "mentions; or take scope recent"
            )
        return self


class Params(Section):
    """Values of all sections for one profile."""

    profile: Profile
    shared: Shared
    fetch: Fetch
    encoder: Encoder
    finetune: Finetune
    evaluate: Evaluate
    pull: Pull
    score: Score
    load: Load
    cluster: Cluster
    publish: Publish
    collect: Collect


def _rule(text: str) -> PydanticCustomError:
    """Error of a rule about several values, with a `text` that names them."""
    return PydanticCustomError(complaints.RULE, "{text}", {"text": text})


def read(file: Path | None = None) -> Any:
    """Content of params.yaml, not checked. Raises ValueError, with the line, for invalid YAML."""
    return yaml_file.read(file or paths.inside("params.yaml"))


def load(file: Path | None = None) -> Params:
    """Values of params.yaml for its profile. Raises the errors of `read` and `parse`."""
    return parse(read(file))


def change(file: Path, values: Mapping[str, str]) -> list[str]:
    """Set dotted `values` in params.yaml; return the changes. Raises the errors of `load`."""
    return yaml_file.change(file, values, parse)


def parse(values: Any) -> Params:
    """Values for the profile that `values`, the content of params.yaml, name.

    Raises ValueError that lists every wrong value, of the sections and of each profile's block.
    """
    if not isinstance(values, Mapping):
        raise ValueError(complaints.listed(["it must hold sections, each with names and values"]))
    sections = {name: value for name, value in values.items() if name not in PROFILES}
    blocks = {"": {}} | {name: values.get(name) or {} for name in PROFILES}
    checked, wrong = {}, []
    for profile, block in blocks.items():
        if not isinstance(block, Mapping):
            wrong.append(f"{profile} must hold sections; got {complaints.quoted(block)}")
            continue
        try:
            checked[profile] = Params.model_validate(_merged(sections, profile, block))
        except ValidationError as error:
            wrong += complaints.of(error, Params, profile, block)
    if wrong:
        raise ValueError(complaints.listed(list(dict.fromkeys(wrong))))
    return checked[values["profile"]]


def _merged(sections: Mapping, profile: str, block: Mapping) -> dict:
    merged = dict(sections)
    for name, own in block.items():
        if name == "profile" or name not in Params.model_fields:
            merged[f"{profile}.{name}"] = own  # refused under this name
        elif isinstance(own, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = {**merged[name], **own}
        elif own is not None and name in merged:
            merged[name] = own
    return merged


def stage(name: str, params: Params | None = None) -> dict[str, Any]:
    """Values of the stage `name`: its section, overridden by the profile's block.

    Empty for a stage without a section.
    """
    section = getattr(params or load(), name, None)
    return section.model_dump() if section else {}


def shared(names: Iterable[str], params: Params | None = None) -> dict[str, Any]:
    """Values of `names` that every stage may use, from section `shared`."""
    params, wanted = params or load(), set(names)  # the order of a set differs from run to run
    return {name: value for name, value in stage("shared", params).items() if name in wanted}


def value(name: str, text: str, params: Params) -> Any:
    """The value of `name` ("finetune.epochs") that params.yaml would hold if `text` stood there.

    Raises ValueError if `text` is not YAML, or not allowed beside the other values of `params`.
    """
    section, key = name.split(".")
    values = params.model_dump()
    try:
        values[section][key] = yaml_file.parse(text)
        return stage(section, Params.model_validate(values))[key]
    except ValidationError as error:
        raise ValueError("; ".join(complaints.of(error, Params))) from None
    except ValueError as error:
        raise ValueError(f"{name} is {error}") from error
