"""One table of normalisations, applied alike by Python and by the TensorFlow graph.

The patterns keep to what Python's `re` and RE2 (TensorFlow's engine) read alike: explicit
character classes instead of `\\w` and `\\s`, no look-around, no back-reference.
"""

import html
import re

# (pattern, replacement), applied in this order. A test compares both engines on every rule.
NORMALISATIONS = (
    (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+", "email"),
    (r"[@\x{FF20}][A-Za-z0-9_]+", "@user"),
    (r"(https?://|www\.[A-Za-z0-9])[^ \t\r\n\f]*", "http"),
    (r"&quot;", '"'),
    (r"&(apos|#39);", "'"),
    (r"&lt;", "<"),
    (r"&gt;", ">"),
    (r"&amp;", "&"),
    (r"[\x{00}-\x{20}\x{7F}-\x{A0}]+", " "),
    (r"^ | $", ""),
    # Nothing to read: no Latin letter except in the replacements made here.
    (r"^(@user|http|email|[^A-Za-z\x{C0}-\x{24F}])*$", ""),
)

_HEX = re.compile(r"\\x\{([0-9A-F]+)\}")
_COMPILED = tuple(
    (re.compile(_HEX.sub(lambda match: f"\\U{match[1]:0>8}", pattern)), replacement)
    for pattern, replacement in NORMALISATIONS
)
_MASKS = _COMPILED[:2]


def normalise(text: str) -> str:
    """`text` as the model reads it: handles, links, entities and white space made uniform."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def mask_handles(text: str) -> str:
    """`text` with e-mail addresses and @handles replaced, the rest untouched."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def unescape(text: str) -> str:
    """`text` without HTML entities; some archives escape them twice."""
    return html.unescape(html.unescape(text))


def repair(text: str) -> str:
    """`text` with UTF-8 that was decoded as Latin-1 repaired; any other text is unchanged.

    Sentiment140 is read as Latin-1, as published, but emoji in it are UTF-8.
    """
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
