"""Languages of posts: X's codes or a detector's, and the posts that a model cannot read."""

import logging
import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from customer_profiles.posts.fields import REPOST
from customer_profiles.posts.spam import LONGEST, SHARE_DIGITS, own_words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

logger = logging.getLogger(__name__)

NO_WORDS = "no words"
# Share of unread posts above which they are a warning.
MANY = 0.2
OTHERS = "others"
# The languages that X names, as far as the detector knows them. With all of its 139 it calls short
# posts Galician, Luxembourgish or Pidgin: 94 % of those of 20 to 24 letters become 88 %.
LATIN = (
    "bs ca cs cy da de en es et eu fi fr hr ht hu id is it lt lv nl no pl pt ro sk sl sv tl tr vi"
)
OTHER_SCRIPTS = (
    "am ar bg bn el fa gu he hi hy ja ka km kn ko lo ml mr my ne or pa ps ru si sr ta te th ug uk "
    "ur zh"
)
# Of 406 real posts in six languages with 20 to 24 characters of own words, the detector is at
# least so sure of 83 %, and right in 96 % of these; with 15 to 19 characters in 94.7 %.
SHORTEST = 20  # characters
SUREST = 0.5  # probability

# X's und, qam, qct, qht, qme, qst and zxx have three letters.
_CODE = re.compile(r"([a-z]{2})([-_][a-z0-9]+)*", re.IGNORECASE | re.ASCII)
_FORMER = {"in": "id", "iw": "he", "ji": "yi"}
_LATIN_LETTER = re.compile("[a-z\u00c0-\u02af\u1e00-\u1eff]")  # of own words, which are lower case


def of_posts(posts: pd.DataFrame) -> pd.Series:
    """Language of each of `posts`, ISO 639-1 ("en") or None, by their index.

    The columns are language, X's code or None, and raw text. A code of two letters counts, without
    its region or script. For other posts a detector decides: only between LATIN and OTHER_SCRIPTS,
    only with at least SHORTEST characters of own words, of which the first LONGEST count, and only
    with a probability of SUREST.
    """
    result = [
        _from_code(code) or _detected(_words(text))
        for code, text in zip(posts["language"], posts["text"], strict=True)
    ]
    return pd.Series(result, index=posts.index, dtype="object", name="language")


def unread(posts: pd.DataFrame, languages: Collection[str]) -> pd.Series:
    """Reason why a model of `languages` cannot read each of `posts`, by their index, or None.

    The columns are those of `of_posts`, as are the codes in `languages`; none means all languages.
    The reason is the post's language, or NO_WORDS: its own words have no Latin letter. Posts in one
    of OTHER_SCRIPTS are read without Latin letters if `languages` names that language. A post of
    unknown language is read.
    """
    reasons = [
        _reason(language, _words(text), languages)
        for language, text in zip(of_posts(posts), posts["text"], strict=True)
    ]
    return pd.Series(reasons, index=posts.index, dtype="object", name="unread")


def readable(
    posts: pd.DataFrame, languages: Collection[str], k: int
) -> tuple[pd.DataFrame, pd.Series]:
    """The `posts` that a model of `languages` can read, and the `share` of the others.

    The columns are those of `of_posts`, and author. Logs the others as a warning, because warnings
    are shown also where QUIET is set. Raises ValueError when no post is left.
    """
    reasons = unread(posts, languages)
    shares = share(reasons, posts["author"], k)
    if text := sentence(shares):
        many = "warning, " if shares.sum() > MANY else ""
        logger.warning("%sleft out: %s", many, text)
    read = posts[reasons.isna()]
    if read.empty and len(posts):
        raise ValueError(
            f"the model reads {', '.join(sorted(languages))}, and no post is in that; "
            "set score.languages only to languages that it was trained on"
        )
    return read, shares


def share(reasons: pd.Series, authors: pd.Series, k: int) -> pd.Series:
    """Share of all posts with each reason, rounded, the largest first; then OTHERS and NO_WORDS.

    `reasons` as `unread` gives them; `authors` are the authors of the posts. Languages of fewer
    than `k` authors, or with a share that is rounded to 0, are OTHERS. OTHERS and NO_WORDS are left
    out under these conditions. The sum of the shares is the share of the unread posts.

    Note: beside these shares no exact number of read or unread posts may be shown, because the
    number of those left out could be computed by subtraction.
    """
    rows = pd.DataFrame({"reason": reasons, "author": authors}).dropna(subset=["reason"])
    shares, large = _shares(rows, len(reasons), k)
    small = set(shares.index[~large]) - {NO_WORDS}
    rows["reason"] = rows["reason"].where(~rows["reason"].isin(small), OTHERS)
    shares, large = _shares(rows, len(reasons), k)
    last = [name for name in (OTHERS, NO_WORDS) if name in shares.index]
    named = shares.drop(last).sort_index().sort_values(ascending=False, kind="stable")
    shares = pd.concat([named, shares[last]])
    return shares[large.reindex(shares.index)].rename("share")


def sentence(shares: pd.Series) -> str:
    """What a model does not read, from `shares` as `share` gives them; "" if there is none."""
    parts = []
    in_languages = shares.drop(NO_WORDS, errors="ignore")
    if len(in_languages):
        each = ", ".join(f"{name} {_percent(value)}" for name, value in in_languages.items())
        parts.append(
            f"{_percent(in_languages.sum())} of the posts are in languages that the model does not "
            f"read: {each}"
        )
    if NO_WORDS in shares.index:
        parts.append(f"{_percent(shares[NO_WORDS])} of the posts have no words to read")
    return "; ".join(parts)


def _from_code(code: object) -> str | None:
    """ISO 639-1 code in X's `code`, None without one."""
    match = _CODE.fullmatch(code.strip()) if isinstance(code, str) else None
    return _FORMER.get(match[1].lower(), match[1].lower()) if match else None


def _words(text: str) -> str:
    return own_words(REPOST.sub(" ", text, count=1))


def _detected(words: str) -> str | None:
    if len(words) < SHORTEST:
        return None
    language, sure = _detector().classify(words[:LONGEST])
    return language if sure >= SUREST else None


@cache
def _detector() -> "LanguageIdentifier":
    # Imported and loaded only if a post needs it: a second, and 115 MB.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages([*LATIN.split(), *OTHER_SCRIPTS.split()])
    return detector


def _reason(language: str | None, words: str, languages: Collection[str]) -> str | None:
    if words and language and languages and language not in languages:
        return language
    if _LATIN_LETTER.search(words) or (
        words and language in OTHER_SCRIPTS.split() and language in languages
    ):
        return None
    return NO_WORDS


def _shares(rows: pd.DataFrame, posts: int, k: int) -> tuple[pd.Series, pd.Series]:
    """Rounded share of each reason in all `posts`, and whether it is large enough to be named."""
    grouped = rows.groupby("reason")["author"]
    shares = (grouped.size() / max(posts, 1)).round(SHARE_DIGITS)
    return shares, (grouped.nunique() >= k) & (shares > 0)


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"
