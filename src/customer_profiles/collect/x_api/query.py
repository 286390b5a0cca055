"""X's search query for a brand: posts that mention it or contain one of its keywords."""

import re
from collections.abc import Iterable
from typing import Literal

Scope = Literal["recent", "all"]

# Characters of a query: search of the last seven days, and of the full archive.
LIMITS: dict[str, int] = {"recent": 512, "all": 1024}
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
# Whatever is more than one plain word goes into quotes, where no operator of X's is read.
_WORD = re.compile(r"[#$]?\w+")
_OPERATORS = ("and", "or", "not")


def build(
    handles: Iterable[str] = (),
    keywords: Iterable[str] = (),
    language: str | None = None,
    retweets: bool = False,
    scope: Scope = "recent",
) -> str:
    """The query for posts that mention one of `handles` or contain one of `keywords`.

    Handles may begin with @; a keyword may be a phrase. `language` is a code as X writes it (en),
    None for all. Raises ValueError for an empty query, an invalid handle, keyword or language, and
    a query longer than LIMITS[scope].
    """
    if scope not in LIMITS:
        raise ValueError(f"scope must be one of {', '.join(LIMITS)}, got {scope!r}")
    terms = [f"@{bare_handle(handle)}" for handle in _several("handles", handles)]
    terms += [_keyword(keyword) for keyword in _several("keywords", keywords)]
    terms = list(dict.fromkeys(terms))
    if not terms:
        raise ValueError("the query is empty; name at least one handle or keyword of the brand")
    query = terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"
    if language is not None:
        query += f" lang:{_language(language)}"
    if not retweets:
        query += " -is:retweet"
    if len(query) > LIMITS[scope]:
        raise ValueError(
            f"the query has {len(query)} characters and X takes {LIMITS[scope]} ({scope} search): "
            "name fewer or shorter keywords, or collect them in two runs"
            + (f"; full-archive search takes {LIMITS['all']}" if scope == "recent" else "")
        )
    return query


def bare_handle(handle: str) -> str:
    """`handle` without its @. Raises ValueError if it cannot be the handle of an account."""
    name = handle.strip().removeprefix("@")
    if not _HANDLE.fullmatch(name):
        raise ValueError(
            f"{handle!r} is no handle on X: 1 to 15 letters without accents, digits or _, as it "
            "stands behind the @ of the account"
        )
    return name


def _several(name: str, values: Iterable[str]) -> list[str]:
    # A lone text is an iterable too, of its letters.
    if isinstance(values, str):
        raise ValueError(f"{name} must be a list, got one text; put it in brackets: [{values!r}]")
    return list(values)


def _keyword(keyword: str) -> str:
    text = " ".join(keyword.split())
    if not re.search(r"\w", text) and not any(ord(sign) > 127 for sign in text):
        raise ValueError(f"the keyword {keyword!r} has no letter or digit; leave it out")
    if '"' in text or "\\" in text:
        raise ValueError(
            f'the keyword {keyword!r} holds " or \\, which X has no way to search for; leave the '
            "sign out: phrases are quoted by themselves"
        )
    plain = _WORD.fullmatch(text) and text.casefold() not in _OPERATORS
    return text if plain else f'"{text}"'


def _language(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        raise ValueError(
            f"language must be a code as X writes it, such as en or pt, or none, got {language!r}"
        )
    return language
