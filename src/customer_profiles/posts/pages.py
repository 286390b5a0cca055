"""Posts and their authors, gathered from X API v2 pages.

A page is a search response (`data` is a list) or one item of a stream or a lookup (`data` is an
object). Other formats come as such pages (`formats`).

A post or an author may occur on several pages. **The last page wins**, field by field, in the order
in which the caller gives the pages: pages carry no time of their own. A later page that was fetched
without a field does not overwrite the field's earlier value.

Ids, handles and texts are private: no error message and no `repr` shows one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from customer_profiles.posts import dates, fields
from customer_profiles.posts.formats import documents, recognition, tally, x_pages
from customer_profiles.posts.formats.documents import Piece
from customer_profiles.posts.formats.tally import Tally
from customer_profiles.project.vocabulary import UNKNOWN

POST_COLUMNS = {
    "post_id": "object",
    "author_id": "object",
    "day": "object",
    "text": "object",
    "language": "object",
    "favorites": "int64",
    "retweets": "int64",
    "repost": "bool",
}
AUTHOR_COLUMNS = {
    "author_id": "object",
    "followers": "int64",
    "following": "int64",
    "listed": "int64",
    "account_posts": "int64",
    "verified": "bool",
    "protected": "bool",
    "created": "object",
}
COUNTS = ("pages", "partial_errors", "posts_there", "reposts")
# Fields that a post needs, and those for which it may be left out even so.
USUAL, UNUSUAL = {"text", "day", "author_id"}, ("left_out", "repost", "versions")


@dataclass(frozen=True, eq=False)
class Conversation:
    """Posts and authors of a set of pages.

    `posts`, one row per post, sorted by post_id: post_id, author_id, day (YYYY-MM-DD, UTC), text,
    language (as X names it, or None), favorites and retweets received, repost (whether it repeats
    another post). `authors`, one row per author of these posts (not the people they mention),
    sorted by author_id: followers, following, listed, account_posts, verified, protected, created
    (YYYY-MM or None). `counts` are the numbers of items that were there and are kept; `account`
    those left out.
    """

    posts: pd.DataFrame = field(repr=False)
    authors: pd.DataFrame = field(repr=False)
    counts: dict[str, int]
    account: Tally = field(repr=False)


def parse_lines(lines: Iterable[bytes], account: Tally | None = None) -> Iterator[dict]:
    """Pages on `lines`, as collected from X; `account` counts what is no page.

    Streams send blank lines to keep the connection alive, and may end in an incomplete line.
    """
    account = account or Tally()
    for number, line in enumerate(lines, 1):
        yield from recognition.pages_of(Piece(documents.LINE, number, line), (), account)


def collect(
    pages: Iterable[dict], account: Tally | None = None, reposts: bool = False
) -> Conversation:
    """Posts and authors of `pages`, oldest page first.

    `account` counts what is left out, and says where the pages are read from. With `reposts` they
    count as posts of who reposted; else they are left out, because their words are another's.

    A metric that no page gives is UNKNOWN. `verified` means business or government, or verified
    without any `verified_type` (as before 2023); paid verification does not count. A repost's
    retweets are 0, because X shows the number of the original post. The text is the whole one
    (`note_tweet`; of a repost the original's) where a page has it. Of an edited post the last
    version counts. A post is left out if X withholds it, or without an id, a text, a date (its own,
    or that of its id) or an author, and counted under the first of these reasons.

    Raises ValueError when no post is left.
    """
    account = account or Tally()
    gathered = _Gathered(account)
    for page in pages:
        gathered.add(page)
    kept, counts = gathered.kept(reposts)
    if not kept:
        raise ValueError(_nothing(account, counts))
    users = gathered.users
    authors = {post["author_id"]: users.get(post["author_id"], {}) for post in kept.values()}
    counts["authors"] = len(authors)
    counts["authors_without_metrics"] = sum("followers" not in row for row in authors.values())
    pieces = sum(account.reasons[reason] for reason in tally.NO_POSTS)
    counts["there"] = counts.pop("posts_there") + pieces
    return Conversation(
        posts=_frame(kept, POST_COLUMNS),
        authors=_frame(authors, AUTHOR_COLUMNS),
        counts=counts,
        account=account,
    )


class _Gathered:
    """Fields of posts and users by their ids, the last page's value of each."""

    def __init__(self, account: Tally):
        self.posts: dict[str, dict] = {}
        self.users: dict[str, dict] = {}
        self._counts = dict.fromkeys(COUNTS, 0)
        self._account = account
        # Of posts that may be left out: where they were first seen.
        self._places: dict[str, tuple[str, int]] = {}
        self._hidden: set[str | None] = set()  # users whom X does not show
        # Whether authors lie beside posts, and the files of single posts that have their authors.
        self._users_beside, self._with_authors = False, set()

    def add(self, page: dict) -> None:
        counts, includes = self._counts, fields.as_object(page.get("includes"))
        counts["pages"] += 1
        for error in fields.objects(page.get("errors")):
            counts["partial_errors"] += 1
            if error.get("resource_type") == "user" or error.get("parameter") == "author_id":
                self._hidden.add(
                    fields.identifier(error.get("resource_id"))
                    or fields.identifier(error.get("value"))
                )
        self._users_beside |= x_pages.BESIDE in page
        asked, (file, _) = "users" in includes, self._account.place
        if asked and x_pages.SINGLE in page:
            self._with_authors.add(file)
        for item in fields.objects(includes.get("users")):
            user_id = fields.identifier(item.get("id"))
            if user_id is not None:
                self.users[user_id] = self.users.get(user_id, {}) | fields.of_author(item)
        for item in fields.objects(page.get("data")):
            counts["posts_there"] += 1
            post_id = fields.identifier(item.get("id"))
            if post_id is None:
                self._account.leave(
                    tally.DECIMAL if fields.is_decimal(item.get("id")) else tally.NO_ID
                )
                continue
            if post_id in self.posts:
                self._account.leave(tally.REPEATED)
            post = fields.of_post(item, includes)
            if not asked:
                post["alone"] = file if x_pages.SINGLE in page else ""
            self.posts[post_id] = self.posts.get(post_id, {}) | post
            if (
                not post.keys() >= USUAL
                or not post.keys().isdisjoint(UNUSUAL)
                or post["author_id"] not in self.users
            ):
                self._places.setdefault(post_id, self._account.place)

    def kept(self, reposts: bool) -> tuple[dict[str, dict], dict[str, int]]:
        """Posts that count, by their ids, and the numbers of items; counts the others."""
        earlier = self._earlier()
        kept, reposters, cut = {}, set(), 0
        for post_id, post in self.posts.items():
            reason = self._missing(post_id, post, earlier)
            if reason is None and post.get("repost"):
                self._counts["reposts"] += 1
                reposters.add(post["author_id"])
                reason = None if reposts else tally.REPOST
            if reason:
                self._account.leave(reason, place=self._places.get(post_id))
            else:
                kept[post_id] = post
                cut += fields.is_cut(post["text"])
        writers = {post["author_id"] for post in kept.values()}
        only = len(reposters - writers)
        return kept, self._counts | {
            "posts": len(kept), "authors_who_only_repost": only, "texts_cut": cut,
        }  # fmt: skip

    def _missing(self, post_id: str, post: dict, earlier: set[str]) -> str | None:
        if "left_out" in post:
            return post["left_out"]
        if "text" not in post:
            return tally.NO_TEXT
        if "day" not in post:
            dated = dates.day_of_id(post_id)
            if dated is None:
                return tally.NO_DATE
            post["day"] = dated
        if post_id in earlier:
            return tally.EARLIER
        author = post.get("author_id")
        if author is None:
            return tally.NO_AUTHOR
        # Where authors were asked for, X does not show an author who is missing.
        if author in self.users:
            return None
        asked = self._users_beside or "alone" not in post or post["alone"] in self._with_authors
        return tally.HIDDEN_AUTHOR if asked or author in self._hidden else None

    def _earlier(self) -> set[str]:
        """Ids of posts of which a later version is there."""
        earlier = set()
        for post in self.posts.values():
            there = [version for version in post.get("versions", ()) if version in self.posts]
            if len(there) > 1:  # ids grow
                earlier |= set(there) - {max(there, key=lambda number: (len(number), number))}
        return earlier


def _nothing(account: Tally, counts: Mapping[str, int]) -> str:
    """Why no post is left, and what to do."""
    there = counts["posts_there"]
    reasons = "; ".join(
        f"{count:,} {reason}{account.where(reason)}; {tally.WAYS_OUT[reason]}"
        for reason, count in account.reasons.most_common(3)
    )
    files = "; ".join(f"{name} {reason}" for name, reason in list(account.files.items())[:3])
    if there:
        return f"none of {there:,} posts can be used: {reasons}"
    if not reasons and not files and counts["pages"]:
        return f"the search found nothing: {counts['pages']:,} pages without posts"
    reasons_and_files = "; ".join(part for part in (reasons, files) if part)
    return f"there are no posts: {reasons_and_files or 'the files are empty'}"


def _frame(rows: dict[str, dict], columns: dict[str, str]) -> pd.DataFrame:
    first, *rest = columns
    blank = {"int64": UNKNOWN, "bool": False, "object": None}
    ids = sorted(rows)
    ordered = [rows[row_id] for row_id in ids]
    filled = {first: ids}
    for name in rest:
        missing = blank[columns[name]]
        filled[name] = [row.get(name, missing) for row in ordered]
    # One dtype for text and None alike, whatever the installed pandas would guess.
    return pd.DataFrame(filled, dtype="object").astype(columns)
