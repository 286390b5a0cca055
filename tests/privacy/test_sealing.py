"""Sealed rows: exact values that nobody reads, moves or changes without the key."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy.keys.key import AnotherKey, Damaged, Key, demonstration_key
from customer_profiles.privacy.sealing import ASSIGNMENTS, LAYOUTS, OBSERVATIONS, PROFILES
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, CLASSES, FLAGS, POST_COUNTS

KEY, OTHER = demonstration_key(), Key(bytes(32))
FINGERPRINT = 8  # bytes, in front of a sealed field
MARKS = {"verified": False, "protected": True}
USUAL = {
    "observations": {
        "author": "a1", "scorer": "0" * 16, "origin": "archive", "day": "2026-05-31",
        "label": "neutral", "flag": "", "polarity": 0.5, "subjectivity": 0.25,
        **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, 7), **MARKS,
    },
    "profiles": {
        "posts": 3, "polarity": 1 / 3, "subjectivity": 0.5, **dict.fromkeys(POST_COUNTS, 2 / 3),
        **dict.fromkeys(CLASSES, 1 / 3), **dict.fromkeys(AUTHOR_COUNTS, 7), **MARKS,
        "first_month": "2026-05", "last_month": "2026-06",
    },
    "assignments": {"cluster": 2, "cell": "2/0/1"},
}  # fmt: skip
each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))


def table(layout, *special):
    """A row of `layout` for each of `special`, what is special about it, with numbers as ids."""
    rows = [
        {"_id": f"{n:032x}", **USUAL[layout.what], **fields} for n, fields in enumerate(special)
    ]
    return pd.DataFrame(rows)[list(layout.columns)]


def sealed(layout, *special):
    return layout.seal(table(layout, *special), KEY)


def encrypted(rows):
    """The encrypted values of sealed `rows`, without fingerprint and tag, as bytes (n, length)."""
    fields = [np.frombuffer(field, np.uint8) for field in rows["sealed"]]
    return np.array(fields)[:, FINGERPRINT:-16]


@pytest.mark.parametrize(
    ("layout", "field", "values"),
    [
        (OBSERVATIONS, "followers", [-1, 0, 1, 2**62]),
        (OBSERVATIONS, "polarity", [0.0, 0.000001, 0.1, 0.123457, 0.999999, 1.0]),
        (OBSERVATIONS, "label", list(CLASSES)),
        (OBSERVATIONS, "flag", ["", *FLAGS]),
        (OBSERVATIONS, "verified", [False, True]),
        (OBSERVATIONS, "day", ["1999-12-31", "2024-02-29", "2026-05-01"]),
        (PROFILES, "polarity", [0.0, 1 / 3, 1 / 3 + 2**-54, 1.0]),
        (PROFILES, "favorites", [-1.0, 0.0, 2.5, 1e15]),
        (PROFILES, "last_month", ["2025-12", "2026-01"]),
        (ASSIGNMENTS, "cell", ["", "0", "12/0/11/2", "x" * 32]),
        (ASSIGNMENTS, "cluster", [0, 11]),
    ],
)
def test_what_is_unsealed_is_what_was_sealed(layout, field, values):
    given = table(layout, *({field: value} for value in values))
    found = layout.unseal(layout.seal(given, KEY), KEY).sort_values("_id", ignore_index=True)
    assert found.to_dict("list") == given.to_dict("list")
    assert [type(value) for value in found[field].tolist()] == [type(value) for value in values]


def test_a_share_is_kept_to_a_millionth():
    rows = sealed(OBSERVATIONS, {"polarity": 0.12345649}, {"polarity": 2 / 3})
    assert OBSERVATIONS.unseal(rows, KEY)["polarity"].tolist() == [0.123456, 0.666667]


@each_layout
def test_no_rows_stay_no_rows_with_the_same_columns(layout):
    none = layout.unseal(layout.seal(table(layout, {})[:0], KEY), KEY)
    assert list(none) == list(layout.columns)
    assert none.empty


@pytest.mark.parametrize(
    ("layout", "readable"),
    [
        (OBSERVATIONS, {"author": "a1", "scorer": "0" * 16, "origin": "archive",
                        "month": "2026-05"}),
        (PROFILES, {}),
        (ASSIGNMENTS, {}),
    ],
)  # fmt: skip
def test_the_ids_and_of_a_post_its_month_are_readable_and_nothing_else(layout, readable):
    rows = sealed(layout, {}, {})
    for n, row in enumerate(rows.to_dict("records")):
        assert isinstance(row.pop("sealed"), bytes)
        assert row == {"_id": f"{n:032x}", **readable}


@each_layout
def test_the_same_rows_are_the_same_bytes_in_whatever_order_they_come_sorted_by_id(layout):
    rows = table(layout, *({} for _ in range(20)))
    once = layout.seal(rows, KEY)
    again = layout.seal(rows.sample(frac=1, random_state=1), demonstration_key())
    assert again.equals(once)
    assert once["_id"].tolist() == sorted(rows["_id"])


def test_unsealed_rows_are_sorted_by_their_values_and_ids_only_break_ties():
    rows = table(
        ASSIGNMENTS,
        {"_id": "d", "cluster": 1}, {"_id": "a", "cluster": 2}, {"_id": "c", "cluster": 1},
        {"_id": "b", "cluster": 1, "cell": "0"},
    )  # fmt: skip
    assert ASSIGNMENTS.unseal(ASSIGNMENTS.seal(rows, KEY), KEY)["_id"].tolist() == list("bcda")
    posts = sealed(
        OBSERVATIONS,
        {"_id": "1", "author": "z", "day": "2026-05-01"},
        {"_id": "2", "author": "y", "day": "2026-05-02"},
        {"_id": "3", "author": "x", "day": "2026-05-02"},
    )
    assert OBSERVATIONS.unseal(posts, KEY)["_id"].tolist() == ["1", "3", "2"]


@each_layout
def test_all_sealed_fields_are_of_one_length(layout):
    extremes = {
        "observations": [{"followers": 2**62, "flag": "copies", "label": "positive"}, {}],
        "profiles": [{"favorites": 1e15, "followers": -1}, {}],
        "assignments": [{"cell": ""}, {"cell": "x" * 32}],
    }
    rows = sealed(layout, *extremes[layout.what])
    assert set(map(len, rows["sealed"])) == {FINGERPRINT + layout.dtype.itemsize + 16}


@each_layout
def test_equal_values_in_two_rows_have_no_more_bytes_in_common_than_any(layout):
    # With the same stream of bytes for all rows, equal values would be equal but for the tag.
    one, *others = encrypted(sealed(layout, *({} for _ in range(200))))
    alike = np.mean([(one == other).mean() for other in others])
    assert alike == pytest.approx(1 / 256, abs=0.004)


@pytest.mark.parametrize(
    ("layout", "change"),
    [
        (OBSERVATIONS, {"protected": False}),  # the last byte of all
        (PROFILES, {"followers": 8}),
        (ASSIGNMENTS, {"cell": "2/0/2"}),
    ],
)
def test_a_changed_value_changes_all_of_its_sealed_field(layout, change):
    rows = table(layout, *({"_id": f"{n:032x}"} for n in range(200)))
    before = encrypted(layout.seal(rows, KEY))
    after = encrypted(layout.seal(rows.assign(**change), KEY))
    assert (before == after).mean() == pytest.approx(1 / 256, abs=0.004)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("_id", "f" * 32),
        ("author", "a2"),
        ("scorer", "1" * 16),
        ("origin", "stream"),
        ("month", "2026-06"),
    ],
)
def test_a_row_is_refused_once_a_readable_field_is_another(field, value):
    rows = sealed(OBSERVATIONS, {})
    with pytest.raises(Damaged, match="a sealed row is damaged: run `dvc repro -f score`"):
        OBSERVATIONS.unseal(rows.assign(**{field: value}), KEY)


@each_layout
def test_sealed_fields_that_were_exchanged_are_refused(layout):
    rows = sealed(layout, {}, {})
    with pytest.raises(Damaged):
        layout.unseal(rows.assign(sealed=rows["sealed"][::-1].tolist()), KEY)


def test_a_sealed_field_is_refused_in_a_table_of_another_kind():
    rows = sealed(PROFILES, {})
    with pytest.raises(Damaged):
        replace(PROFILES, what="assignments").unseal(rows, KEY)


@each_layout
def test_a_row_that_was_cut_or_changed_anywhere_is_refused(layout):
    rows = sealed(layout, {})
    (whole,) = rows["sealed"]
    for place in range(FINGERPRINT, len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        for field in (bytes(changed), whole[:place], whole + whole[place:]):
            with pytest.raises(Damaged):
                layout.unseal(rows.assign(sealed=[field]), KEY)
    for field in (b"", whole[:1], whole[:FINGERPRINT]):
        with pytest.raises(Damaged):
            layout.unseal(rows.assign(sealed=[field]), KEY)


@each_layout
def test_one_row_that_is_damaged_is_enough(layout):
    rows = sealed(layout, {}, {}, {})
    first, second, third = rows["sealed"]
    with pytest.raises(Damaged):
        layout.unseal(rows.assign(sealed=[first, second[:-1], third]), KEY)


@each_layout
def test_rows_of_another_key_are_refused_with_the_fingerprints_of_both(layout):
    rows = sealed(layout, {})
    both = rf"key of fingerprint {KEY.fingerprint()}, and this one's is {OTHER.fingerprint()}: rest"
    with pytest.raises(AnotherKey, match=both):
        layout.unseal(rows, OTHER)


@pytest.mark.parametrize(
    ("field", "known"),
    [("label", "'negative', 'neutral', 'positive'"), ("flag", "'', 'copies', 'burst', 'links'")],
)
def test_a_category_that_does_not_exist_is_refused_by_name(field, known):
    message = f"^{field} of 2 observations is none of {known}$"
    with pytest.raises(ValueError, match=message):
        sealed(OBSERVATIONS, {field: "angry"}, {}, {field: None})


@pytest.mark.parametrize(
    ("layout", "field", "values", "kind"),
    [
        (OBSERVATIONS, "polarity", [-0.000001, 1.000001, np.nan], "share"),
        (OBSERVATIONS, "followers", [1.5, np.nan, 2.0**64], "count"),
        (OBSERVATIONS, "verified", [None, 2, "yes"], "bool"),
        (OBSERVATIONS, "day", [None, "2026-05", "2026-05-01T12"], "day"),
        (PROFILES, "last_month", [None, "2026", "2026-05-01"], "month"),
        (PROFILES, "polarity", [np.nan], "mean"),
        (ASSIGNMENTS, "cell", ["x" * 33, None, "a\0"], "text"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_a_value_that_would_not_come_back_is_refused_by_the_name_of_its_field(
    layout, field, values, kind
):
    for value in values:
        with pytest.raises(ValueError, match=f"^{field} of 1 {layout.what} is no {kind}$"):
            sealed(layout, {}, {field: value})


@each_layout
def test_rows_of_a_former_version_are_refused_with_a_way_out(layout):
    rows = sealed(layout, {}, {})
    message = (
        f"^{layout.what} of a former version of this program are not sealed; run `make repro`, "
        "which writes them anew$"
    )
    for former in (
        rows.drop(columns="sealed"),
        rows.assign(sealed=[rows["sealed"][0], None]),
        table(layout, {}),
    ):
        with pytest.raises(ValueError, match=message):
            layout.unseal(former, KEY)


def test_rows_with_other_fields_are_refused_with_a_way_out():
    fewer = {name: kind for name, kind in PROFILES.sealed.items() if name != "listed"}
    other = replace(PROFILES, sealed=fewer)
    with pytest.raises(ValueError, match=r"^the profiles were sealed by another version .* repro`"):
        PROFILES.unseal(other.seal(table(PROFILES, {}), KEY), KEY)
