"""params.yaml: types, ranges and choices of each section, and profiles that override sections."""

import copy
import re
from pathlib import Path

import pytest

from customer_profiles.project import params

FILE = Path(__file__).parents[2] / "params.yaml"
TEXT = re.sub("(?m)^profile: .*", "profile: quick", FILE.read_text(encoding="utf-8"))
VALUES = {**params.read(FILE), "profile": "quick"}
HANDLE = "tindle_lover_1987"
MISSING = object()


def complaints(**changes):
    """Sentences about params.yaml with `changes`, values by their place ("fetch__rows")."""
    values = copy.deepcopy(VALUES)
    for place, value in changes.items():
        *above, last = place.split("__")
        at = values
        for name in above:
            at = at[name]
        if value is MISSING:
            del at[last]
        else:
            at[last] = value
    with pytest.raises(ValueError, match=r"^params\.yaml: ") as error:
        params.parse(values)
    assert not re.search("pydantic|http|type=|input", str(error.value))
    head, *listed = str(error.value).split("\n  ")
    return listed or [head.removeprefix("params.yaml: ")]


def refused(project, text):
    """The error of a params.yaml of this `text`."""
    file = project / "params.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"^params\.yaml") as error:
        params.load()
    return str(error.value)


def test_a_stage_gets_its_section_and_the_profile_overrides_it():
    quick, standard = params.parse(VALUES), params.parse({**VALUES, "profile": "standard"})
    assert params.stage("fetch", quick) == VALUES["fetch"]
    assert params.stage("fetch", standard) == VALUES["fetch"] | VALUES["standard"]["fetch"]
    assert (standard.fetch.rows, standard.fetch.seed) == (20_000, 7)
    assert params.stage("pull", standard) == VALUES["pull"]


def test_values_keep_the_type_that_they_are_written_with():
    weights = params.stage("cluster", params.parse(VALUES))["features"]
    assert repr(weights) == repr(VALUES["cluster"]["features"])


def test_a_profile_with_an_empty_block_overrides_nothing():
    for block in (None, {}, {"fetch": None}):
        values = {**VALUES, "profile": "original", "original": block}
        assert params.stage("fetch", params.parse(values)) == VALUES["fetch"]


def test_shared_values_come_in_one_order_however_they_are_asked_for():
    quick = params.parse(VALUES)
    for names in (["as_of", "k_anonymity", "none"], ["none", "k_anonymity", "as_of"]):
        values = list(params.shared(names, quick).items())
        assert values == [("k_anonymity", 10), ("as_of", "")]


def test_numbers_are_read_as_dvc_reads_them(project):
    # PyYAML takes 2e-5 for a text.
    text = TEXT.replace("learning_rate: 5.0e-5", "learning_rate: 2e-5")
    (project / "params.yaml").write_text(text, encoding="utf-8")
    assert params.stage("finetune")["learning_rate"] == 0.00002


@pytest.mark.parametrize(
    ("place", "values", "allowed"),
    [
        ("shared__k_anonymity", [1, 10.0], "a whole number, 2 or more"),
        ("shared__expire_days", [-1, 10**9], "a whole number, 0 to 36500"),
        ("shared__flags__jaccard", [0, 1.01], "a number, above 0 and 1 or less"),
        ("fetch__rows", [-1, 2.0, "3", True, None, [1]], "a whole number, 0 or more"),
        ("fetch__official", [0, "yes", None], "true or false"),
        ("fetch__source", ["", 2024, None], "text, not empty"),
        ("fetch__seed", [-1, 2**31], "a whole number, 0 or more and below 2147483648"),
        ("encoder__origin", ["url", None], "one of wheel, mpnet, hub, folder"),
        ("encoder__sequence_length", [2, 513], "a whole number, 3 to 512"),
        ("finetune__batch_size", [0, 1.5], "a whole number, 1 or more"),
        ("finetune__optimizer", ["sgd"], "one of adam, adamw"),
        ("finetune__decay", ["cosine", None], "one of none, linear"),
        ("finetune__pooling", ["max"], "one of mean, pooled"),
        ("finetune__dropout", [1, -0.1, float("nan"), "0.1"], "a number, 0 or more and below 1"),
        ("finetune__learning_rate", [0, 1], "a number, above 0 and below 1"),
        ("cluster__features", [{}, None, ["posts"]], "one feature or more, each with a weight"),
        ("cluster__features__posts", [0, -1, float("nan"), float("inf"), "1", None],
         "a number, above 0"),
        ("cluster__clip", [0.5, 1.1], "a number, above 0.5 and 1 or less"),
        ("cluster__k", [-1, 2.5, 3.0, "3", True, None], "a whole number, 0 or more"),
        ("cluster__k_min", [1], "a whole number, 2 or more"),
        ("cluster__references", [1], "a whole number, 2 or more"),
        ("cluster__jaccard", [2, "a"], "a number, 0 to 1"),
        ("cluster__min_share", [-0.1, 2, "0.02"], "a number, 0 to 1"),
        ("publish__tiers", [{}, None, [1]], "one field or more, each with the counts that begin a"),
        ("publish__max_suppressed", [1.1], "a number, 0 to 1"),
        ("collect__budget", [0, float("inf")], "a number, above 0"),
        ("collect", [None, 3, [], "x"], "a section, of names and values"),
        ("profile", ["fast", 1, None], "one of quick, standard, best, original"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_refused_with_what_is_allowed(place, values, allowed):
    for value in values:
        (message,) = complaints(**{place: value, **dict.fromkeys(params.PROFILES)})
        assert message.startswith(f"{place.replace('__', '.')} must be {allowed}")
        assert "; got " in message


@pytest.mark.parametrize("name", ["authors", "days", "length", "burst", "links"])
def test_a_bound_of_posts_that_look_like_a_campaign_is_1_or_more(name):
    (message,) = complaints(**{f"shared__flags__{name}": 0})
    assert message == f"shared.flags.{name} must be a whole number, 1 or more; got 0"


@pytest.mark.parametrize("share", [0, 1, -0.1, 20])
def test_a_share_for_validation_leaves_something_on_either_side(share):
    none = dict.fromkeys(params.PROFILES)
    (message,) = complaints(**none, fetch__validation_share=share)
    assert message.startswith("fetch.validation_share must be a number, above 0 and below 1; got ")


def test_the_counts_where_tiers_begin_rise():
    rising = "must be a list of whole numbers that rise, from 1 or more; got "
    for wrong in ([10, 1], [2, 2], []):
        assert complaints(publish__tiers__listed=wrong) == [f"publish.tiers.listed {rising}{wrong}"]
    assert complaints(publish__tiers__listed=[0, "x"]) == [
        "publish.tiers.listed[0] must be a whole number, 1 or more; got 0",
        "publish.tiers.listed[1] must be a whole number, 1 or more; got 'x'",
    ]


@pytest.mark.parametrize("day", ["May", "2026-02-30", "20260630", "2026-W01-1", 20260630])
def test_a_day_is_written_in_one_way(day):
    for place in ("shared__as_of", "collect__start"):
        (message,) = complaints(**{place: day})
        assert "must be a day in quotes, like \"2026-06-30\", or ''; got" in message


def test_a_checkpoint_of_ones_own_needs_its_folder():
    (message,) = complaints(encoder__origin="folder", **dict.fromkeys(params.PROFILES))
    assert message.startswith("encoder.folder must name the folder of a checkpoint")
    own = {**VALUES, "encoder": {**VALUES["encoder"], "origin": "folder", "folder": "data/own"}}
    assert params.parse({**own, "quick": None}).encoder.folder == "data/own"


@pytest.mark.parametrize("bounds", [(3, 3), (4, 3)])
def test_k_max_is_above_k_min_also_where_a_block_moves_one_of_them(bounds):
    low, high = bounds
    rule = f"cluster.k_max must be above cluster.k_min; got {high}, and k_min is {low}"
    assert complaints(cluster__k_min=low, cluster__k_max=high) == [rule]
    block = complaints(standard__cluster={"k_min": 10})
    assert block == [
        "cluster.k_max must be above cluster.k_min; got 10, and k_min is 10 (in block standard)"
    ]


def test_mentions_need_the_account():
    (message,) = complaints(collect__scope="mentions")
    assert message.startswith("collect.handles must name the brand's own account")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fetch__rosw": 0}, "fetch.rosw is unknown; did you mean rows?"),
        ({"standard__fetch__rosw": 0}, "standard.fetch.rosw is unknown; did you mean rows?"),
        ({"standard__fecth": {}}, "standard.fecth is unknown; did you mean fetch?"),
        ({"quick__profile": "standard"}, "quick.profile is unknown; did you mean profile?"),
        ({"feetch": {}}, "feetch is unknown; did you mean fetch?"),
        ({"evaluate__x": 1}, "evaluate.x is unknown; known are seed"),
        ({"cluster__features__polarty": 1},
         "cluster.features.polarty is unknown; did you mean polarity?"),
        ({"cluster__features___id": 1}, "cluster.features._id is unknown; known are polarity, "
         "subjectivity, negative, neutral, positive, favorites, retweets, posts, followers, "
         "following, listed, account_posts, account_age, verified, protected"),
        ({"publish__tiers__follower": [1]},
         "publish.tiers.follower is unknown; did you mean followers?"),
        ({"fetch__rows": MISSING}, "fetch.rows is missing; it must be a whole number, 0 or more"),
        ({"pull": MISSING}, "pull is missing; it must be a section, of names and values"),
        ({"profile": MISSING},
         "profile is missing; it must be one of quick, standard, best, original"),
        ({"standard__fetch__rows": -1},
         "standard.fetch.rows must be a whole number, 0 or more; got -1"),
        ({"quick": 3}, "quick must hold sections; got 3"),
        ({"quick__fetch": 3}, "quick.fetch must be a section, of names and values; got 3"),
    ],
)  # fmt: skip
def test_names_are_told_with_the_nearest_and_with_the_block(changes, message):
    changes = {"original": None} | changes
    assert message in complaints(**changes)


def test_wrong_values_are_all_listed_at_once_and_each_once():
    sentences = complaints(
        fetch__seed=-1, publish__drift="much", finetune__epoch=1, standard__load={}
    )
    assert sorted(sentences) == [
        "fetch.seed must be a whole number, 0 or more and below 2147483648; got -1",
        "finetune.epoch is unknown; did you mean epochs?",
        "publish.drift must be a number, 0 to 10; got 'much'",
    ]


def test_a_key_that_is_no_text_is_unknown():
    with pytest.raises(ValueError, match=r"^params\.yaml: 1 is unknown; known are profile, "):
        params.parse({**VALUES, 1: 2})


def test_no_complaint_repeats_a_handle_or_a_keyword():
    for handles in (HANDLE, [HANDLE, [HANDLE]], {HANDLE: HANDLE}):
        for name in ("handles", "keywords"):
            message = complaints(**{f"collect__{name}": handles})
            assert HANDLE not in str(message)
    assert HANDLE not in str(complaints(fetch__official=f"@{HANDLE}", finetune__decay=f"@{HANDLE}"))


def test_digits_alone_are_a_keyword():
    values = copy.deepcopy(VALUES)
    values["collect"]["keywords"] = [2024, "tea"]
    assert params.parse(values).collect.keywords == ["2024", "tea"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: [quick", "params.yaml is not valid YAML: line 1: expected ',' or ']'"),
        ("profile: quick\n\tseed: 1", r"line 2: found character '\t' that cannot start any token"),
        ("a: 1\nb: 2\na: 3\n", "params.yaml is not valid YAML: line 3: a name is there twice"),
        ("a: b: c", "params.yaml is not valid YAML: line 1: mapping values are not allowed here"),
        ("a: 1\n---\na: 1\n", "params.yaml is not valid YAML: line 2: but found another document"),
        ("a: !!python/object:os.system x", "params.yaml is not valid YAML: line 1: could not"),
        ("a: 2026-02-31", "params.yaml is not valid YAML: day is out of range"),
        (b"\xff\xfe\x00", "params.yaml is not valid YAML: "),
        ("", "params.yaml: it must hold sections, each with names and values"),
        ("# only a comment", "params.yaml: it must hold sections, each with names and values"),
        ("- fetch", "params.yaml: it must hold sections, each with names and values"),
        ("fetch", "params.yaml: it must hold sections, each with names and values"),
        (TEXT.replace("as_of: ''", "as_of: 2026-06-30"),
         "params.yaml: shared.as_of must be a day in quotes, like \"2026-06-30\", or ''; got 2026"),
        (TEXT.replace("drift: 0.1", "drift: 1e400"), "publish.drift must be a number, 0 to 10"),
        (TEXT.replace("bfloat16: true", "bfloat16: on"), "finetune.bfloat16 must be true or false"),
        (TEXT.replace("rows: 0", "rows:", 1), "fetch.rows must be a whole number, 0"),
        (TEXT.replace("columns: {}", "columns: [a]"),
         "pull.columns must be names with values, in braces; got"),
        (TEXT.replace("columns: {}", "columns: {txt: a}"), "pull.columns.txt is unknown; did you"),
        (TEXT.replace("columns: {}", "columns: {text: a, date: b}"),
         "pull.columns must name the columns of text, author and date"),
        (TEXT.replace("languages: []", "languages: [english]"),
         "score.languages[0] must be a code like en; got 'english'"),
        (TEXT.replace("  exclude_flagged:", "  - exclude_flagged:"),
         "load must be a section, of names and values"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_with_its_name_and_line(project, text, message):
    error = refused(project, text)
    assert message in error
    assert not re.search("pydantic|http", error)


def test_the_profile_original_is_the_table_of_the_original_design():
    values = params.parse({**VALUES, "profile": "original"})
    assert (values.fetch.rows, values.fetch.validation_share) == (50_000, 0.2)
    assert values.encoder.origin == "hub"
    assert values.encoder.encoder_handle.endswith("/tensorflow/bert_en_uncased_L-12_H-768_A-12/4")
    assert values.encoder.preprocess_handle.endswith("/tensorflow/bert_en_uncased_preprocess/3")
    table = {"epochs": 20, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-5}
    # No early stopping, and no schedule; the classifier reads BERT's own pooled output.
    table |= {"patience": 0, "decay": "none", "pooling": "pooled"}
    assert table.items() <= params.stage("finetune", values).items()
