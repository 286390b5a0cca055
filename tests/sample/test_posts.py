"""The posts written for the project: enough of every kind, each said once, nobody real in them.

Three sets: the sentiment posts in Sentiment140's format, those that stand in for posts labelled by
people in three classes, and the pool that the brand archive draws from. Near-duplicates and
templates are measured, and planted to show that the measures see them.
"""

import os
import re
from collections import Counter
from itertools import chain, groupby
from pathlib import Path

import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from customer_profiles.project import paths
from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.model import text

LEAST = {0: 550, 4: 550}
CLASSES = {"negative": 0, "neutral": 2, "positive": 4}
TOPICS = {
    "brand", "family", "film", "food", "game", "health", "mood", "music", "phone", "school",
    "service", "sport", "travel", "weather", "work",
}  # fmt: skip
# Cosine between posts, as TF-IDF of runs of 3 to 5 letters. With one word exchanged a post is at
# 0.6 or above in 99 of 100 cases; the nearest two of the sample are at 0.51.
NEAR = 0.6
# A frame is what a template leaves: the COMMON most frequent words, _ for what stands between.
COMMON, TELLING = 100, 4
RUN = 5  # words in a row

# What there must be at least of in negative, neutral and positive posts, and how it is recognised.
KINDS = {
    "emoji": ((60, 40, 60), r"[\u2600-\u27bf\u2b50\U0001f300-\U0001faff]"),
    "emoticon": ((15, 0, 5), r"(^|\s)([:;]['-]?[()D/|p]+|<3|-_-)(\s|$)"),
    "question": ((30, 100, 20), r"\?"),
    "link": ((25, 25, 25), r"https?://"),
    "handle": ((70, 50, 50), r"@\w"),
    "hashtag": ((15, 10, 10), r"#[a-z]\w+"),
    "repost": ((1, 1, 1), r"\bRT @"),
    "shouting": ((25, 0, 15), r"\b(?-i:[A-Z]{4,})\b"),
    "drawn-out word": ((5, 0, 20), r"([a-z])\1\1"),
    "negation": (
        (200, 25, 130),
        r"\b(not|no|never|nobody|nothing|none|without|cannot|nope|aint|dont|didnt|isnt|wasnt"
        r"|doesnt|cant|wont|havent|\w+n['\u2019]t)\b",
    ),
    "slang": (
        (40, 15, 50),
        r"\b(lol|omg+|wtf|tbh|imo|ngl|haha\w*|lmao+|gonna|gotta|coulda|ain'?t|ur|u|r|thx|ta|pls"
        r"|cos|cuz|ppl|idk|btw|smh|rn|lmk|omw|tysm|rly|bday|fav|bruh|fr|mate|yay+|nah?|yep|ugh+"
        r"|meh|gutted|chuffed|knackered|skint|arvo|y'all|brill|stoked)\b",
    ),
    "typo": (
        (30, 15, 15),
        r"\b(dont|cant|im|ive|didnt|isnt|wasnt|doesnt|wont|hes|shes|whos|wats|theres|havent|wat"
        r"|anyones|kno|tmrw|culd|cud|finaly|beleive|definately|devasted|nuthin|frm|suprise|flite"
        r"|fone|luv|nite|tonite|midnite|startd|hvnt|waitin|comin|rainin|listenin|glowin|n)\b",
    ),
    "news": (
        (0, 40, 0),
        r"\b(says?|said|announced|reports?|according|published|opens|merge|named|warning|recorded"
        r"|voted|company|paper|issued)\b",
    ),
    # Words that point away from the label: sarcasm, and what was feared and did not come.
    "praise in a complaint": (
        (50, 0, 0),
        r"\b(cheers|thanks|brilliant|fantastic|lovely|love|great|wonderful|genius|delicious|cool"
        r"|superb|perfect|top marks|shoutout|classy|treat|masterpiece)\b",
    ),
    "complaint in a praise": (
        (0, 0, 40),
        r"\b(bad|hate|worst|wrong|rotten|rubbish|dread\w*|terrified|lost|broken?|cried|cry\w*"
        r"|tears|missed|murder\w*|miserable|annoyed|sobbed|bawling|grumpy|pain|scared|nervous)\b",
    ),
}


@pytest.fixture(scope="module")
def folder():
    return paths.inside("data", "sample", "sentiment140")


@pytest.fixture(scope="module")
def sets(folder):
    """The training posts and the test posts, as they are written."""
    files = sentiment140.locate(folder)
    return [_written(path) for path in (files.train, files.test)]


@pytest.fixture(scope="module")
def posts(sets):
    return pd.concat(sets, ignore_index=True)


@pytest.fixture(scope="module")
def brand():
    return pd.read_csv(paths.inside("data", "sample", "brand_posts.csv"), keep_default_na=False)


@pytest.fixture(scope="module")
def labelled_sets():
    """The training posts and the validation posts in three classes, as they are written."""
    folder = paths.inside("data", "sample", "labelled")
    return [
        pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
        for name in ("train", "validation")
    ]


@pytest.fixture(scope="module")
def labelled_posts(labelled_sets):
    return pd.concat(labelled_sets, ignore_index=True)


@pytest.fixture(scope="module")
def every_post(posts, labelled_posts):
    """All sentiment posts: their text and Sentiment140's code of their class."""
    polarity = labelled_posts["label"].map(CLASSES)
    return pd.concat([posts, labelled_posts.assign(polarity=polarity)], ignore_index=True)


@pytest.fixture(scope="module", params=["posts", "labelled_posts", "brand"])
def texts(request):
    """Each of the three sets in turn, as a list of texts."""
    return request.getfixturevalue(request.param)["text"].tolist()


def test_there_are_enough_posts_of_each_class_and_a_tenth_of_them_is_the_test_set(sets, posts):
    counts = posts["polarity"].value_counts()
    assert all(counts[label] >= least for label, least in LEAST.items())
    assert set(sets[0]["polarity"]) == set(LEAST)
    test = sets[1]["polarity"].value_counts()
    assert {label: test[label] for label in LEAST} == {
        label: round(counts[label] / 10) for label in LEAST
    }
    assert test[2] >= 50


def test_every_class_speaks_of_every_topic(sets, posts, labelled_posts):
    assert set(posts["query"]) == TOPICS
    polar = posts[posts["polarity"] != 2]
    assert pd.crosstab(polar["query"], polar["polarity"]).min().min() >= 25
    assert set(sets[1]["query"]) == TOPICS
    neutral = labelled_posts[labelled_posts["label"] == "neutral"]
    assert neutral["topic"].value_counts()[list(TOPICS)].min() >= 25


def test_labelled_posts_are_of_each_class_in_each_of_many_topics(labelled_posts):
    assert labelled_posts["label"].value_counts().min() >= 1000
    table = pd.crosstab(labelled_posts["topic"], labelled_posts["label"])
    assert list(table.columns) == list(CLASSES)
    own = table[~table.index.isin(TOPICS)]
    assert len(own) >= 50
    assert own.min().min() >= 10


def test_validation_is_a_seventh_of_the_labelled_posts_and_of_other_topics(sets, labelled_sets):
    train, validation = labelled_sets
    assert 0.14 < len(validation) / (len(train) + len(validation)) < 0.17
    assert validation["label"].value_counts().min() >= 150
    trained = {*train["topic"], *sets[0]["query"]}
    assert trained & set(validation["topic"]) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_post_is_there(every_post, kind):
    least, pattern = KINDS[kind]
    matches = every_post["text"].map(lambda value: bool(re.search(pattern, value, re.IGNORECASE)))
    counts = matches.groupby(every_post["polarity"]).sum()
    assert all(
        counts[label] >= wanted for label, wanted in zip(CLASSES.values(), least, strict=True)
    ), f"{kind}: {counts.to_dict()} in the classes, at least {least} are wanted"


def test_the_pipeline_keeps_every_post(folder):
    files = sentiment140.locate(folder)
    for path in (files.train, files.test):
        read, left_out = sentiment140.read(path)
        kept, dropped = sentiment140.clean(read)
        assert (left_out, sum(dropped.values()), len(kept)) == (0, 0, len(_written(path)))


def test_nobody_in_them_could_be_real(posts, every_post):
    assert (posts[["id", "date", "user"]] == "").all(axis=None)
    for value in every_post["text"]:
        assert all(len(name) > 15 for name in re.findall(r"[@\uFF20](\w+)", value)), value
        rest = re.sub(r"https?://example\.(com|org|net)(/\S*)?(?=\s|$)", "", value)
        assert not re.search(r"http|www\.|\w@|\w\.(com|org|net|co|uk|io)\b", rest), value


def test_the_brand_pool_has_600_different_texts_about_the_brand(brand):
    assert brand["text"].str.lower().nunique() == len(brand) >= 600
    assert brand["label"].value_counts().min() >= 200
    assert brand["text"].str.contains("tindlewick", case=False).all()


def test_no_text_is_nearly_another(texts):
    assert [(texts[i], texts[j]) for i, j in near(texts)] == []


@pytest.mark.parametrize("names", [("posts", "brand"), ("labelled_posts", "posts", "brand")])
def test_no_text_of_a_set_is_nearly_one_of_another(names, request):
    texts, *others = (request.getfixturevalue(name)["text"].tolist() for name in names)
    assert near(texts, list(chain(*others))) == []


def test_planted_near_duplicates_are_found(texts):
    planted = {}
    for old, new in ((" the ", " our "), ("!", "!!"), ("you", "u"), ("", "")):
        place = next(
            i for i, value in enumerate(texts)
            if old in value and len(value) > 60 and i not in planted
        )  # fmt: skip
        planted[place] = texts[place].replace(old, new).upper()
    pairs = near([*texts, *planted.values()])
    assert pairs == sorted((place, len(texts) + n) for n, place in enumerate(planted))


def test_no_text_is_made_from_a_template(texts):
    assert [frame for frame, count in frames(texts).items() if count > 1] == []
    assert [run for run, count in runs(texts).items() if count > 2] == []


def test_a_planted_template_is_found(texts):
    filled = [
        f"The {thing} at {place} was {how} and it made my {who} {feel}"
        for thing, place, how, who, feel in (
            ("lasagne", "Bistro Verano", "sublime", "uncle", "weep"),
            ("waiter", "Moonfish", "insolent", "partner", "furious"),
            ("playlist", "Gallery Nine", "hypnotic", "twins", "sleepy"),
        )
    ]
    assert max(frames([*texts, *filled]).values()) == 3
    ended = [f"{name}, say no more, that is all I ask" for name in ("Rain", "Wifi", "Buses")]
    assert max(runs([*texts, *ended]).values()) == 3


def test_no_text_is_or_nearly_is_one_of_the_manual_set(texts):
    """Their posts are real: a failure tells how many, never which."""
    folder = os.environ.get("REAL_DATA", "")
    path = Path(folder, "sentiment140", sentiment140.TEST_NAMES[0])
    if not folder or not path.is_file():
        pytest.skip("REAL_DATA names no folder that holds Sentiment140's manual set")
    manual = sentiment140.read(path)[0]["text"].map(text.repair).tolist()
    equal = len({_plain(value) for value in texts} & {_plain(value) for value in manual})
    alike = len(near(texts, manual))
    assert (equal, alike) == (0, 0)


def near(texts, others=None):
    """Places (i, j) of near-duplicates: both in `texts`, i < j; or i in `texts`, j in `others`."""
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    vectors = letters.fit_transform([_plain(value) for value in (*texts, *(others or ()))])
    left = vectors[: len(texts)]
    right = vectors[len(texts) :] if others else left
    places = zip(*(left @ right.T >= NEAR).nonzero(), strict=True)
    return sorted((int(i), int(j)) for i, j in places if others or i < j)


def frames(texts):
    """How many texts leave each frame; frames with fewer than TELLING words tell nothing."""
    split = [_words(value) for value in texts]
    # dict.fromkeys, not set: its order, which decides between equally frequent words, is fixed.
    spread = Counter(word for words in split for word in dict.fromkeys(words))
    common = {word for word, _ in spread.most_common(COMMON)}
    left = [[word if word in common else "_" for word in words] for words in split]
    return Counter(
        " ".join(part for part, _ in groupby(words))
        for words in left
        if sum(word != "_" for word in words) >= TELLING
    )


def runs(texts):
    """In how many texts each run of RUN words occurs."""
    split = [_words(value) for value in texts]
    return Counter(
        run
        for words in split
        for run in {" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
    )


def _written(path):
    types = {"polarity": int}
    return pd.read_csv(path, names=sentiment140.COLUMNS, dtype=types, keep_default_na=False)


def _plain(value):
    return text.normalise(value).lower()


def _words(value):
    return re.findall(r"[a-z0-9'@]+", _plain(value))
