"""Live collection: `customer-profiles stream`.

X's posts about the brand are sealed on disk, scored in micro-batches and written to the database of
data/collect/pages, until SIGTERM or Ctrl-C; the posts received are then scored first. Exit codes: 0
then; 1 after an error; 3 when the budget is reached; 130 or 143 when stopped a second time.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from customer_profiles.collect import settings
from customer_profiles.collect.budget import BudgetReached
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.interruption import Interrupted, Interruption
from customer_profiles.collect.stream.receiver import Pace, Receiver
from customer_profiles.posts import languages, observations, pages
from customer_profiles.privacy.keys.key import open_key
from customer_profiles.project import params, paths
from customer_profiles.store import connection, profiles, schema, streaming
from customer_profiles.store.errors import Gone, StoreError

logger = logging.getLogger(__name__)

MODEL = "data/models/sentiment"
TRIES = 12  # to have a database again that went away


class Model(NamedTuple):
    """Function that rates texts, its digest, and the languages (ISO 639-1) that it reads."""

    rate: Callable[[Sequence[str]], pd.DataFrame]
    scorer: str
    languages: Collection[str]


class Stream:
    """One run of the live stream, whose posts the `model` rates.

    The run ends when the caller sets `stopping`: no more is read, and received posts are scored.
    Raises the errors of an invalid setting, key or token.
    """

    def __init__(self, model: Model, stopping: threading.Event, pace: Pace):
        self.scored = 0
        """Posts scored, without duplicates in one micro-batch."""
        self._model, self._stopping, self._pace = model, stopping, pace
        self._left_out: Counter[str] = Counter()
        self._shared = params.shared(["expire_days", "as_of"])
        self._reposts = params.stage("pull")["reposts"]
        self._languages = params.stage("score")["languages"] or model.languages
        # Whatever is collected, and at which price: the stream and its gaps are searches.
        wanted = settings.read({**params.stage("collect"), "scope": "recent"})
        self._keep_days = wanted.keep_days
        # A key that is lost must not be followed by another one.
        self._key = open_key(PAGES, make=not PagesFolder().sealed_files())
        self._recipe = profiles.Recipe(self._key, **params.stage("load"))
        self.database = self._key.audience(PAGES)
        """Name of the database that is written to."""
        self.receiver = Receiver(wanted, self._key, stopping, pace)
        self._backlog = self.receiver.backlog
        self._logged_at, self._day = time.monotonic(), ""

    def run(self) -> None:
        """Receive, score and write until `stopping` is set.

        Raises the error that ended it before: BudgetReached, XError, StoreError, ValueError
        (settings) or OSError (a full disk).
        """
        if self._backlog.waiting:
            logger.info("%d lines of an earlier run are scored first", self._backlog.waiting)
        self.receiver.begin()
        clean = False
        try:
            self._score()
            clean = True
        finally:
            self.receiver.end(clean)
            self._tell()
            if self.receiver.failure is not None:  # the reason of all that followed
                raise self.receiver.failure

    def _score(self) -> None:
        """Score and write received posts until no more come; waits for a database that was lost.

        Raises StoreError if the database was never available, or does not come back.
        """
        lines, tries = [], 0
        while True:
            try:
                with connection.database(self.database) as database:
                    schema.prepare(database)
                    while lines := lines or self._next():
                        self._write(database, lines)
                        lines, tries = [], 0
                    return
            except StoreError as error:
                away = tries or isinstance(error, Gone)
                if not away or tries == TRIES or (tries and self._stopping.is_set()):
                    raise self._unscored(error) from None
                logger.warning("%s; received posts wait on disk meanwhile", error)
                self._stopping.wait(min(2**tries, 60))
                tries += 1

    def _next(self) -> list[bytes]:
        """The next micro-batch; empty at the end."""
        while True:
            self._at_times()
            lines = self._backlog.take(self._pace.posts, self._pace.seconds)
            if lines or self._backlog.ended:
                return lines

    def _write(self, database, lines: list[bytes]) -> None:
        rows = self._observed(lines)
        if len(rows):
            today = datetime.now(UTC).date()
            streaming.write(database, rows, self._recipe, **self._shared, today=today)
        self._backlog.done()
        self.scored += len(rows)

    def _observed(self, lines: list[bytes]) -> pd.DataFrame:
        """Observations of the posts on `lines`; empty if no post is usable."""
        account = pages.Tally(reasons=self._left_out)
        try:
            parsed = pages.parse_lines(lines, account)
            conversation = pages.collect(parsed, account, self._reposts)
        except ValueError:
            return pd.DataFrame()
        posts = observations.pseudonymous(conversation.posts, self._key)
        unread = languages.unread(posts, self._languages).notna()
        account.leave("posts that the model does not read", int(unread.sum()))
        posts = posts[~unread]
        if posts.empty:
            return pd.DataFrame()
        scores = self._model.rate(posts["text"].tolist())
        return observations.build(posts, conversation.authors, scores, self._model.scorer)

    def _unscored(self, error: StoreError) -> StoreError:
        waiting = self._backlog.waiting
        kept = f"; {waiting} lines received wait on disk, sealed, and are scored at the next start"
        return StoreError(f"{error}{kept if waiting else ''}")

    def _at_times(self) -> None:
        day = datetime.now(UTC).date().isoformat()
        if day != self._day:
            self._day = day
            if expired := PagesFolder().expire(self._keep_days, day):
                logger.info("removed %d files of pages older than keep_days", len(expired))
        if time.monotonic() - self._logged_at >= self._pace.status:
            self.receiver.keep()
            self._tell()

    def _tell(self) -> None:
        self._logged_at = time.monotonic()
        left_out = [f"{reason}, {count}" for reason, count in self._left_out.most_common()]
        logger.info(
            "received %d posts, scored %d, lag %.1f s; %s%s",
            self.receiver.received, self.scored, self._backlog.lag, self.receiver.status(),
            "".join(f"; left out: {each}" for each in left_out),
        )  # fmt: skip


def stream(model: Model, stopping: threading.Event, pace: Pace | None = None) -> None:
    """Run the live stream until `stopping` is set; see Stream. One at a time in a project."""
    with PagesFolder().single_run():
        Stream(model, stopping, pace or Pace()).run()


def model() -> Model:
    """Model of data/models. Raises FileNotFoundError, naming the stage that makes it."""
    folder = paths.inside(MODEL)
    if not folder.exists():
        raise FileNotFoundError(
            f"{MODEL} is missing; it is needed to score posts: run `dvc repro finetune`, or "
            "`make repro`"
        )
    from customer_profiles.sentiment.model import card
    from customer_profiles.sentiment.rating.rate import Rater  # TensorFlow takes seconds

    rater = Rater(folder)
    if caution := card.caution(rater.card):
        logger.warning(caution)
    return Model(rater.rate, rater.digest, rater.languages)


def command(made: Callable[[], Model] | None = None, pace: Pace | None = None) -> int:
    """Run until a signal comes or the budget ends; return the exit code.

    `made` replaces `model`.
    """
    stopping = threading.Event()
    notice = "stopping: no more is read, what was received is scored first"
    try:
        with Interruption(notice, stopping.set):
            params.load()  # a wrong value is refused before the model is loaded
            stream((made or model)(), stopping, pace)
    except Interrupted as error:
        logger.error("%s; what was received is kept, and scored at the next start", error)
        return error.code
    except BudgetReached as error:
        logger.error("%s", error)
        return error.code
    return 0
