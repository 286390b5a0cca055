"""Languages of posts are X's or found, short ones stay open, and few people's are not named."""

import csv
import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from customer_profiles.posts import languages
from customer_profiles.posts.languages import LONGEST, NO_WORDS, OTHERS, SHORTEST
from customer_profiles.posts.spam import own_words

INVENTED = {
    "en": "The scones at @tindlewick were lovely but the queue was far too long again",
    "es": "Los bollos de @tindlewick estaban fríos y nadie nos atendió en toda la tarde",
    "pt": "Adorei o chá da @tindlewick, mas a fila estava muito longa outra vez",
    "fr": "Le thé chez @tindlewick était délicieux, mais le service beaucoup trop lent",
    "de": "Der Kuchen bei @tindlewick war wunderbar, aber wir mussten ewig warten",
    "it": "Il tè di @tindlewick era buonissimo, ma abbiamo aspettato troppo a lungo",
    "ja": "ティンドルウィックのスコーンはとても美味しかったです、また行きます",
    "ru": "Чай в этом кафе был замечательный, но ждали мы очень долго",
}
WORDLESS = [
    "😂😂🔥", "https://t.co/abc123 www.tindlewick.example", "#tea #scones @tindlewick",
    "👏 #tea https://t.co/abc123 100%!", "RT @tindlewick: 😂", "", "&amp; &lt;3",
]  # fmt: skip


def posts(texts, codes=None):
    codes = [None] * len(texts) if codes is None else codes
    return pd.DataFrame({"text": list(texts), "language": list(codes)}, dtype="object")


def language_of(code, text="😂"):
    return languages.of_posts(posts([text], [code])).item()


@pytest.mark.parametrize(("code", "language"), [
    ("en", "en"), ("EN", "en"), (" en ", "en"), ("en-gb", "en"), ("en_US", "en"), ("zh-cn", "zh"),
    ("zh-Hant-TW", "zh"), ("hi-Latn", "hi"), ("in", "id"), ("iw", "he"), ("ji", "yi"),
])  # fmt: skip
def test_x_s_code_is_the_language_without_its_region_in_today_s_spelling(code, language):
    assert language_of(code) == language
    assert language_of(code, INVENTED["es"]) == language


@pytest.mark.parametrize("code", [
    "und", "qam", "qct", "qht", "qme", "qst", "zxx", "QME", "", " ", "e", "english", "e1", "en-",
    "-", "ﬁ", "ää", 7, float("nan"), None,
])  # fmt: skip
def test_a_code_that_names_no_language_counts_as_missing(code):
    assert language_of(code) is None
    assert language_of(code, INVENTED["es"]) == "es"


def test_the_language_of_a_long_text_without_a_code_is_found():
    found = languages.of_posts(posts(INVENTED.values()))
    assert found.tolist() == list(INVENTED)


def test_links_handles_and_hashtags_do_not_count_as_text():
    short = "Qué rico #losbollosmasricosdelmundo @la_casa_del_pan_y_del_te https://t.co/buenos"
    assert len(own_words(short)) < SHORTEST
    assert language_of(None, short) is None
    assert language_of(None, f"{short} y qué bien nos atendieron hoy") == "es"


def test_a_text_as_long_as_the_bound_is_looked_at_and_a_shorter_one_is_not():
    text = "la mejor tienda de te"
    assert len(text) == SHORTEST + 1
    assert [language_of(None, text[:length]) for length in (SHORTEST - 1, SHORTEST)] == [None, "es"]


def test_words_in_no_language_stay_open_however_long_they_are():
    assert language_of(None, "zxqv krtw plmf wqxz bnvk rtgh qqpw") is None


def test_of_a_very_long_text_the_beginning_decides():
    text = INVENTED["de"] + " " + INVENTED["de"] + " "
    other = (INVENTED["fr"] + " ") * 40
    assert len(own_words(text)) < LONGEST < len(own_words(other))
    assert language_of(None, (text * 3)[:1000] + other) == "de"


def test_the_languages_do_not_depend_on_order_index_or_other_posts():
    frame = posts([*INVENTED.values(), *WORDLESS] * 3)
    found = languages.of_posts(frame)
    again = languages.of_posts(frame.sample(frac=1, random_state=3))
    assert again.sort_index().tolist() == found.tolist()
    assert languages.of_posts(frame.iloc[4:5]).tolist() == found.iloc[4:5].tolist()


def test_the_detector_is_loaded_only_for_a_post_that_needs_it():
    program = """
import sys
import pandas as pd
from customer_profiles.posts import languages
for text, loaded in [("short", False), ("a text that is long enough for a look", True)]:
    frame = pd.DataFrame({"text": [text, text * 9], "language": [None, "en"]}, dtype="object")
    languages.unread(frame, ["en"])
    assert ("py3langid" in sys.modules) == loaded, text
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_posts_in_a_language_that_the_model_does_not_read_are_unread_for_it():
    reasons = languages.unread(posts(INVENTED.values()), ["en"])
    assert reasons.tolist() == [None, *list(INVENTED)[1:]]
    reasons = languages.unread(posts(INVENTED.values()), ["en", "es", "ja"])
    assert reasons.tolist() == [None, None, "pt", "fr", "de", "it", None, "ru"]


@pytest.mark.parametrize("text", WORDLESS)
@pytest.mark.parametrize("code", [None, "en", "es", "ja", "qme"])
@pytest.mark.parametrize("read", [[], ["en"], ["en", "ja"]])
def test_a_post_without_a_word_is_unread_whatever_its_code(text, code, read):
    assert languages.unread(posts([text], [code]), read).tolist() == [NO_WORDS]


def test_short_words_in_another_script_are_no_words_for_a_model_that_does_not_read_it():
    short = posts(["おいしい 😂"], [None])
    assert languages.unread(short, ["en"]).tolist() == [NO_WORDS]
    assert languages.unread(short, []).tolist() == [NO_WORDS]
    coded = posts(["おいしい 😂"], ["ja"])
    assert languages.unread(coded, ["en"]).tolist() == ["ja"]
    assert languages.unread(coded, ["ja"]).tolist() == [None]


@pytest.mark.parametrize("text", [
    "yum", "Ω é", "so 美味しい", "\N{FULLWIDTH LATIN CAPITAL LETTER O}", "\N{SCRIPT SMALL L}",
    "RT @tindlewick: yum", "Trà ở", "Łódź",
])  # fmt: skip
def test_words_of_an_unknown_language_are_read(text):
    frame = posts([text], ["und"])
    assert languages.of_posts(frame).tolist() == [None]
    assert languages.unread(frame, ["en"]).tolist() == [None]


def test_without_languages_all_are_read():
    latin = [text for code, text in INVENTED.items() if code not in ("ja", "ru")]
    reasons = languages.unread(posts([*latin, "😂"]), [])
    assert reasons.tolist() == [None] * len(latin) + [NO_WORDS]


def test_results_keep_the_index_and_hold_no_text():
    frame = posts([INVENTED["es"], "😂"]).set_axis(["b", "a"])
    for result in (languages.of_posts(frame), languages.unread(frame, ["en"])):
        assert result.index.tolist() == ["b", "a"]
        assert result.dtype == object
    empty = posts([])
    assert languages.of_posts(empty).tolist() == languages.unread(empty, ["en"]).tolist() == []


def reasons_of(**groups):
    """Reasons and authors, from the number of posts and of authors of each reason."""
    rows = [
        (None if reason == "read" else reason.replace("_", " "), f"{reason} {post % people}")
        for reason, (number, people) in groups.items()
        for post in range(number)
    ]
    frame = pd.DataFrame(rows, columns=["reason", "author"], dtype="object")
    return frame["reason"], frame["author"]


def test_shares_are_of_all_posts_the_largest_first():
    shares = languages.share(*reasons_of(read=(60, 30), pt=(8, 8), no_words=(2, 2), es=(30, 20)), 2)
    assert list(shares.items()) == [("es", 0.3), ("pt", 0.08), (NO_WORDS, 0.02)]
    assert languages.sentence(shares) == (
        "38 % of the posts are in languages that the model does not read: es 30 %, pt 8 %; "
        "2 % of the posts have no words to read"
    )


def test_languages_of_few_people_are_named_together_or_not_at_all():
    groups = {"read": (60, 30), "es": (30, 20), "pt": (6, 6), "de": (4, 4)}
    shares = languages.share(*reasons_of(**groups), 10)
    assert list(shares.items()) == [("es", 0.3), (OTHERS, 0.1)]
    shares = languages.share(*reasons_of(**groups), 11)
    assert list(shares.items()) == [("es", 0.3)]
    assert languages.sentence(shares) == (
        "30 % of the posts are in languages that the model does not read: es 30 %"
    )


def test_the_people_of_several_small_languages_are_counted_once():
    reasons = pd.Series(["pt"] * 6 + ["de"] * 6 + [None] * 8, dtype="object")
    authors = pd.Series([*"abcdef", *"abcdef", *"ghijklmn"])
    assert languages.share(reasons, authors, 7).empty
    assert languages.share(reasons, authors, 6).to_dict() == {"de": 0.3, "pt": 0.3}


def test_posts_without_words_of_few_people_are_not_told_as_others():
    shares = languages.share(*reasons_of(read=(60, 30), no_words=(30, 9), pt=(10, 9)), 10)
    assert shares.empty
    assert languages.sentence(shares) == ""


def test_shares_too_small_for_a_percent_are_told_together():
    groups = {"read": (984, 90), "da": (4, 4), "nl": (4, 4), "sv": (4, 4), "fi": (4, 4)}
    assert languages.share(*reasons_of(**groups), 3).to_dict() == {OTHERS: 0.02}


def test_without_an_unread_post_there_is_nothing_to_tell():
    for groups in ({"read": (20, 10)}, {}):
        shares = languages.share(*reasons_of(**groups), 3)
        assert shares.empty
        assert languages.sentence(shares) == ""


def real_posts():
    """Real posts and the language of each, the data's placeholders of links taken out."""
    folder = Path(os.environ.get("REAL_DATA", ""), "labelled")
    files = [folder / f"{name}.csv.gz" for name in ("umsab-train-val", "tweeteval-val")]
    if not os.environ.get("REAL_DATA") or not all(file.is_file() for file in files):
        pytest.skip("REAL_DATA names no folder that holds labelled posts in several languages")
    rows = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                text = re.sub(r"\bhttps?\b(?!:)", "", row["text"])
                rows.append((row.get("language", "en")[:2].replace("po", "pt"), text))
    return pd.DataFrame(rows, columns=["true", "text"], dtype="object").assign(language=None)


def test_of_real_posts_in_six_languages_95_of_100_are_found_right_down_to_the_bound():
    frame = real_posts()
    frame["found"] = languages.of_posts(frame)
    length = frame["text"].map(own_words).str.len()
    assert frame["found"][length < SHORTEST].isna().all()
    known = frame[frame["found"].notna()]
    right = known["found"] == known["true"]
    by_language = right.groupby(known["true"]).mean()
    assert sorted(by_language.index) == ["de", "en", "es", "fr", "it", "pt"]
    assert by_language.min() > 0.95
    assert right.mean() > 0.99
    shortest = length[known.index].between(SHORTEST, SHORTEST + 4)
    assert shortest.sum() > 300
    assert right[shortest].mean() > 0.95
    assert len(known) / (length >= SHORTEST).sum() > 0.95
    # Hardly an English post is lost for a model that reads English.
    reasons = languages.unread(frame[frame["true"] == "en"], ["en"])
    assert reasons.notna().mean() < 0.005
