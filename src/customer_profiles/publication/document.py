"""Schema of a publication, the only one for the database, the API and its documentation.

JSON Schema (draft 2020-12), with an example of every value.
"""

from collections.abc import Mapping

from customer_profiles.project.vocabulary import CLASSES, IN_KIND, VERDICTS, WEEKDAYS

# Keywords for readers only; MongoDB refuses them.
FOR_READERS = ("examples",)


def record(**properties: dict) -> dict:
    """Schema of an object that has all of `properties` and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict) -> dict:
    return {"type": "array", "items": items}


def _number(example: float, description: str = "", **more: object) -> dict:
    described = {"description": description} if description else {}
    return {"type": "number", **described, "examples": [example], **more}


def _count(example: int, description: str = "", **more: object) -> dict:
    return {**_number(example, description, minimum=0, **more), "type": "integer"}


def _text(example: str, description: str = "", **more: object) -> dict:
    described = {"description": description} if description else {}
    return {"type": "string", "maxLength": 1000, **described, "examples": [example], **more}


def _maybe(schema: dict) -> dict:
    """Schema of a value of `schema`, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def _share(example: float, description: str = "") -> dict:
    return _number(example, description, minimum=0, maximum=1)


ID = _text("5f1d3a0c9b7e2468", "hash of the content", pattern="^[0-9a-f]{16}$")
DAY = _text("2026-05-01", pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
FLAG = {"type": "boolean", "examples": [False]}
# People below k read "<10", nearly all of a group ">375".
PEOPLE = {
    "type": ["integer", "string"],
    "minimum": 0,
    "pattern": "^[<>][0-9]+$",
    "description": "a number of people; <10 or >375 where the exact one would single somebody out",
    "examples": ["<10"],
}

# Averages of the original's nine figures.
AVERAGES = {
    "avg_polarity": _share(0.71, "how they speak of the brand: 0 negative, 1 positive"),
    "avg_subjectivity": _share(
        0.37, "how probable it is that a post expresses a feeling or an opinion: 0 fact, 1 opinion"
    ),
    "avg_favorites": _number(3.4, "likes of a post, estimated from bins", minimum=0),
    "avg_tweets": _number(2.1, "posts about the brand, estimated from bins", minimum=0),
    "avg_account_tweets": _number(3200, "posts of the account, estimated from bins", minimum=0),
    "avg_followers": _number(910, "followers, estimated from bins", minimum=0),
}
INDEX = {
    **record(
        index=_count(112, "100 is the average of the whole audience"),
        low=_count(105, "the interval's lower end (bootstrap, 95 %)"),
        high=_count(120, "its upper end"),
    ),
    "description": "against the whole audience",
}
MOOD = {
    **record(**{name: _maybe(_share(0.3)) for name in CLASSES}),
    "description": "shares of their posts by class; null where suppressed",
}
SEGMENT = record(
    id=_count(0),
    name=_text("Content regulars", "made from what sets the segment apart"),
    customers=_count(385, "authors"),
    share=_share(0.257, "of the audience"),
    no_verified=PEOPLE,
    no_protected=PEOPLE,
    **AVERAGES,
    # Without those whose average in the audience is 0.
    index={**record(**dict.fromkeys(AVERAGES, INDEX)), "required": []},
    mood=MOOD,
    volume=_share(0.3, "of all posts about the brand"),
    weekdays={
        **record(**{name: _maybe(_share(0.15)) for name in WEEKDAYS}),
        "description": "shares of their posts by weekday; null where suppressed",
    },
    stability=_maybe(_share(0.98, "mean Jaccard similarity over bootstrap samples")),
    small=FLAG | {"description": "whether it is too small to rely on (cluster.min_share)"},
    centroid={
        "type": "object",
        "additionalProperties": {"type": "number"},
        "description": "standard deviations from the average author, by feature",
        "examples": [{"polarity": 0.8, "followers": -0.4}],
    },
    brief=record(
        headline=_text("385 authors who speak well of the brand, heard by few"),
        points=_list(_text("They write three of ten posts about the brand.")),
        caveats=_list(_text("Averages of counts are estimated from bins.")),
    ),
)
# A criterion's k; null where it names none.
PREFERRED = _maybe(_count(5))
CURVES = record(
    k=_count(5),
    inertia=_number(4120, "squared distances to the centroids"),
    silhouette=_number(0.32),
    silhouette_chance=_number(0.2, "mean silhouette of rearranged data"),
    gap=_number(0.21, "gap statistic: log inertia of rearranged data less that of the authors"),
    gap_error=_number(0.01),
    calinski_harabasz=_number(410),
    calinski_harabasz_chance=_number(300),
    davies_bouldin=_number(1.2),
    davies_bouldin_chance=_number(1.5),
    jaccard=_share(0.98, "of the least stable cluster"),
    bootstrap_ari=_number(0.97, "mean adjusted Rand index over bootstrap samples", maximum=1),
    ari=_number(0.99, "lowest adjusted Rand index across seeds", maximum=1),
    smallest=_share(0.17, "of the audience in the smallest cluster, at least k authors'"),
    holds=FLAG,
)
CLUSTERS = record(
    verdict={"enum": list(VERDICTS), "examples": [IN_KIND]},
    reason=_text("5 segments: they are separated better than rearranged data."),
    k=_count(5),
    jaccard=_share(0.75, "lowest mean Jaccard similarity allowed, over bootstrap samples"),
    preferred={
        **record(
            elbow=PREFERRED,
            silhouette=PREFERRED,
            gap=PREFERRED,
            calinski_harabasz=PREFERRED,
            davies_bouldin=PREFERRED,
        ),
        "description": "the k that each criterion would choose",
    },
    curves=_list(CURVES),
)
SUMMARY = record(
    authors=_count(1500),
    posts=_count(5000),
    first_day=_text("2026-05-01", 'of the days shown; "" if none is', maxLength=10),
    last_day=_text("2026-06-30", maxLength=10),
    **AVERAGES,
    mood=MOOD,
    flagged=_maybe(
        _share(
            0.02,
            "of all posts held, those that look like campaigns (copies, bursts, links); null where "
            "too few people stand behind it",
        )
    ),
    flagged_excluded=FLAG | {"description": "whether they are left out of all other figures"},
    unread=_text(
        "38 % of the posts are in languages that the model does not read: es 30 %, pt 8 %",
        'posts that are left out because the model cannot read them; "" if it reads all',
    ),
    caution=_text(
        "The model that rated these posts learned from 3,551 invented posts only.",
        'warning about the model; "" if there is none',
    ),
    clusters=CLUSTERS,
)
CELL = {
    **record(segment=_count(0), authors=_count(42)),
    "additionalProperties": _text("1,000 to 99,999"),
    "description": "authors of a segment who share a tier of each further field",
    "examples": [{"segment": 0, "authors": 42, "followers": "under 1,000"}],
}
MOOD_OF_DAY = record(day=DAY, posts=_count(80), avg_polarity=_share(0.7))
CONTINUITY = record(
    former=_maybe(ID | {"description": "the publication before this one"}),
    born=_list(_count(3, "a segment without a match in the previous publication")),
    died=_list(_text("Quiet critics", "a segment of the previous publication without a match now")),
)
ATTACK = record(
    success=_share(0.05, "rounded up to halves of the bound"),
    bound=_share(0.1),
    targets={**PEOPLE, "description": "people; rounded down to a multiple of k, <10 below k"},
)
CERTIFICATE = record(
    published=record(
        k=_count(10, "authors in the smallest group that may be published"),
        k_min={
            **PEOPLE,
            "description": "authors in the smallest group, rounded so",
        },
        uniqueness=_share(0.0, "of the authors alone in their cell"),
        suppressed_share=_share(0.05, "of the authors in suppressed cells"),
        cells=_count(19),
        cells_suppressed=_count(8),
        l_diversity=_count(2),
        attacks={"type": "object", "additionalProperties": ATTACK},
    ),
    passed=FLAG | {"examples": [True]},
    reasons=_list(_text("exact_join: an attacker succeeds for 12 % of his targets")),
    at_rest=record(
        uniqueness=_share(0.01, "of the authors whom nobody is like"),
        linkage=_share(0.04, "of the authors recognised without the key"),
        dictionary=_share(0.0),
    ),
)
PUBLICATION = record(
    _id=ID,
    summary=SUMMARY,
    segments=_list(SEGMENT),
    cells=_list(CELL),
    mood_daily=_list(MOOD_OF_DAY),
    continuity=CONTINUITY,
    certificate=CERTIFICATE,
    provenance=record(sample=FLAG, scorer=_text("0123456789abcdef")),
)
# Short form of a publication, for the list of publications.
LISTED = record(
    id=ID,
    current=FLAG | {"examples": [True], "description": "whether the other endpoints serve it"},
    authors=SUMMARY["properties"]["authors"],
    segments=_count(5),
    verdict=CLUSTERS["properties"]["verdict"],
    first_day=SUMMARY["properties"]["first_day"],
    last_day=SUMMARY["properties"]["last_day"],
)


def example(schema: Mapping) -> object:
    """A value of `schema`, made of its examples; a list has one item."""
    if "examples" in schema:
        return schema["examples"][0]
    if schema["type"] == "array":
        return [example(schema["items"])]
    return {name: example(part) for name, part in schema.get("properties", {}).items()}


def for_mongodb(schema: Mapping) -> dict:
    """`schema` for MongoDB's $jsonSchema: without examples, and with its own name for integers."""
    kept = {name: value for name, value in schema.items() if name not in FOR_READERS}
    if "type" in kept:
        types = kept.pop("type")
        kept["bsonType"] = _bson(types) if isinstance(types, list) else _bson([types])
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), Mapping):
            kept[name] = for_mongodb(kept[name])
    if "properties" in kept:
        kept["properties"] = {name: for_mongodb(p) for name, p in kept["properties"].items()}
    if not kept.get("required", True):
        del kept["required"]  # MongoDB refuses an empty list
    return kept


def _bson(types: list[str]) -> list[str]:
    names = {"integer": ["int", "long"], "boolean": ["bool"], "number": ["number"]}
    return [name for kind in types for name in names.get(kind, [kind])]
