"""Account of an archive: everything in it is used, or left out for a reason that is counted.

Reasons and places are safe to show: they hold names of files and numbers of lines, no id, no handle
and no text.
"""

from collections import Counter
from dataclasses import dataclass, field

# Reasons for which a post or a piece of a file is left out, and the way out.
NO_ID = "posts without an id"
DECIMAL = "ids that are decimal numbers"
NO_AUTHOR = "posts without an author's id"
HIDDEN_AUTHOR = "posts of authors whom X does not show"
NO_TEXT = "posts without a text"
NO_DATE = "posts without a date that can be read"
WITHHELD = "posts that X withholds"
DELETED = "posts that their author deleted"
PROMOTED = "posts that X showed as advertisements"
EARLIER = "earlier versions of edited posts"
REPOST = "reposts"
REPEATED = "posts that are there already"
TORN = "lines that end too early or are damaged"
SEALED = "sealed lines that are damaged"
NO_JSON = "lines that are no JSON"
UNKNOWN_OBJECT = "objects of no format that is known"
SHORT_ROW = "rows with another number of cells than the header"
REFUSED = "answers of X that hold an error instead of posts"
NOT_GIVEN = "entries of 4CAT for posts that X did not give"
NO_POST = "entries of X's personal archive that are no posts of its owner"
WAYS_OUT = {
    NO_ID: "collect again with the field id",
    DECIMAL: "digits are lost; collect again with ids as text",
    NO_AUTHOR: "request the field author_id; for X's personal archive, put account.js beside it",
    HIDDEN_AUTHOR: "their accounts are suspended or protected, so they stay out",
    NO_TEXT: "request the field text",
    NO_DATE: "request the field created_at; in a table, write days as 2020-05-31",
    WITHHELD: "X shows them in no or not every country, so they stay out",
    DELETED: "they stay out",
    PROMOTED: "no search asked for them, so they stay out",
    EARLIER: "the last version counts",
    REPOST: "set reposts in section pull to true to count them as posts of the reposter",
    REPEATED: "the latest counts win",
    TORN: "copy the file again from where it was written",
    SEALED: "restore the file from a copy",
    NO_JSON: "look at the first such line; write the file again with the tool it comes from",
    UNKNOWN_OBJECT: "docs/archive.md lists the formats that are read",
    SHORT_ROW: "write the file again with a CSV library",
    REFUSED: "collect these pages again",
    NOT_GIVEN: "they are deleted, protected or suspended, so they stay out",
    NO_POST: "nothing is lost",
}
# What is left out and is no post: a piece of a file, an answer, an entry.
NO_POSTS = (TORN, SEALED, NO_JSON, UNKNOWN_OBJECT, SHORT_ROW, REFUSED, NOT_GIVEN, NO_POST)
# What is no loss: the post is used under another entry, or was never one to use.
NO_LOSS = (REPEATED, EARLIER, REPOST, NO_POST)
# Share of what is there, above which a reason is a warning.
MANY = 0.01


class Unreadable(ValueError):
    """A file that cannot be read, or not further.

    The text goes on behind the file's name, says why and shows nothing of the content.
    """


@dataclass
class Tally:
    """Numbers of entries left out by reason, the first place of each, and files left out.

    An entry is a post, or a piece of a file that could not be read as one. `place` is where the
    reader is: the name of a file and the number of a line.
    """

    place: tuple[str, int] = ("", 0)
    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[str, int]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    formats: Counter[str] = field(default_factory=Counter)

    def leave(self, reason: str, count: int = 1, place: tuple[str, int] | None = None) -> None:
        """Count `count` entries that are left out for `reason`, first at `place`."""
        if count:
            self.reasons[reason] += count
            self.first.setdefault(reason, place or self.place)

    def leave_file(self, name: str, reason: str) -> None:
        """Note why the file `name` is not used, or not to its end: the predicate of a sentence."""
        self.files[name] = reason

    def where(self, reason: str) -> str:
        """The first place of `reason`, as the end of a phrase; "" if it has none."""
        name, line = self.first.get(reason, ("", 0))
        if not name:
            return ""
        return f" (first in {name}, line {line})" if line else f" (first in {name})"

    def sentences(self, there: int) -> list[str]:
        """A sentence for each reason and each file; "warning" marks losses of more than MANY."""
        sentences = []
        for reason, count in self.reasons.most_common():
            lost = reason not in NO_LOSS and count > MANY * there
            sentences.append(
                f"{'warning, ' if lost else ''}left out: {reason}, {count:,} of {there:,}"
                f"{self.where(reason)}; {WAYS_OUT[reason]}"
            )
        return sentences + [f"not used: {name} {reason}" for name, reason in self.files.items()]
