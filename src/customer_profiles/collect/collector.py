"""Collection of posts about a brand from X: page by page onto the disk, within a budget.

A page is collected once it is on disk and recorded in the checkpoint. Whatever ends a run, the next
run resumes from the checkpoint. At most one page is in memory.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from customer_profiles.collect.budget import Budget, BudgetReached
from customer_profiles.collect.folder import Checkpoint, PagesFolder, query_digest
from customer_profiles.collect.interruption import Interrupted
from customer_profiles.collect.settings import QUARTER, REQUESTS, CollectSettings
from customer_profiles.collect.x_api import answers, endpoints, errors
from customer_profiles.collect.x_api.client import Client, Page
from customer_profiles.collect.x_api.endpoints import LARGEST, RECENT, SMALLEST, Window
from customer_profiles.privacy.keys.key import Key

logger = logging.getLogger(__name__)

ENDS = (BudgetReached, Interrupted, errors.XError, OSError)


class Outcome(NamedTuple):
    """Result of one run; `stopped` is the error of ENDS that ended it early, or None.

    `spent` is in dollars, of this month.
    """

    posts: int
    pages: int
    spent: float
    stopped: BaseException | None


class Estimate(NamedTuple):
    """Posts to collect, their maximum price in dollars and the time in seconds; None: unknown.

    At most as many users as posts are read. `page_price` is the maximum price of one page, `left`
    the rest of the month's budget.
    """

    posts: int | None
    price: float | None
    seconds: float | None
    page_size: int
    page_price: float
    left: float


def run(
    settings: CollectSettings,
    client: Client,
    key: Key,
    between: Callable[[], object] = lambda: None,
) -> Outcome:
    """Collect the posts not stored yet; `between` is called after each page.

    An unfinished run is resumed first. Raises BlockingIOError while another run is active, and the
    errors of `PagesFolder.open` and `Budget`. Errors of ENDS that end the collection are in the
    outcome.
    """
    folder = PagesFolder(key)
    with folder.single_run():
        budget = Budget(settings, client.clock)
        _expire(folder, settings.keep_days, _day(client))
        folder.open(digest_of(settings), _day(client))
        posts = pages = 0
        stopped = None
        try:
            for page in _received(settings, client, budget, folder):
                size = _keep(page, _day(client), folder)
                if size:
                    posts, pages = posts + size, pages + 1
                    _say_progress(page, pages, posts, budget)
                between()
        except ENDS as error:
            stopped = error
    return Outcome(posts, pages, budget.spent(), stopped)


def _expire(folder: PagesFolder, keep_days: int, day: str) -> None:
    expired = folder.expire(keep_days, day)
    if expired:
        logger.info("%d files of pages older than %d days were removed", len(expired), keep_days)


def digest_of(settings: CollectSettings) -> str:
    """The digest that identifies the checkpoint of a collection."""
    return query_digest(settings.scope, settings.identity)


def _day(client: Client) -> str:
    return f"{datetime.fromtimestamp(client.clock(), UTC):%Y-%m-%d}"


def _received(
    settings: CollectSettings, client: Client, budget: Budget, folder: PagesFolder
) -> Iterator[Page]:
    """Yield pages, each charged to the budget.

    Note: the caller must count a page in the checkpoint before it takes the next one.
    """
    account = None
    fresh = False
    while not fresh:
        fresh = _prepare(settings, client, folder)
        if settings.handle and account is None:
            account = _account(settings.handle, client, budget)
        yield from paid(
            _requested(settings, client, budget, folder.checkpoint, account), client, budget
        )


def _prepare(settings: CollectSettings, client: Client, folder: PagesFolder) -> bool:
    """Set the checkpoint to the next request; True if no further round follows.

    False if an earlier run is unfinished: newer posts are requested after that run.
    """
    state, day = folder.checkpoint, _day(client)
    if state.next_token and _is_out_of_reach(settings, state.newest_time, client.clock()):
        logger.warning("what an unfinished run had still to collect is older than recent search")
        folder.commit(day, 0, next_token=None, done=True)
        state = folder.checkpoint
    unfinished = bool(state.next_token)
    if unfinished:
        logger.info("resuming an unfinished run, which has %d posts", state.read)
    elif state.done:
        since_id, since_time = _since(state)
        folder.commit(day, 0, read=0, since_id=since_id, since_time=since_time, done=False)
    if _is_out_of_reach(settings, folder.checkpoint.since_time, client.clock()):
        logger.warning(
            "a gap remains: the last whole run was more than 7 days ago, and recent search holds "
            "no more; the full archive (scope all) does"
        )
    return not unfinished


def _account(handle: str, client: Client, budget: Budget) -> str:
    """The id of the account of `handle`, charged to the budget."""
    with _given_back(client, budget):
        budget.take(0, 1)
        account = endpoints.user_id(client, handle)
    budget.settle(0, 1)
    return account


def _requested(
    settings: CollectSettings,
    client: Client,
    budget: Budget,
    state: Checkpoint,
    account: str | None,
) -> Iterator[Page]:
    options = {
        "window": _window(settings, (state.since_id, state.since_time), client.clock()),
        "next_token": state.next_token,
        "room": lambda size: budget.room(size, SMALLEST),
    }
    if account is not None:
        return endpoints.mentions(client, account, **options)
    return endpoints.search(client, settings.query, settings.scope, **options)


def _window(settings: CollectSettings, since: tuple[str | None, int | None], now: float) -> Window:
    since_id, since_time = since
    if since_time is None:
        return Window(start_time=settings.start)
    if _is_out_of_reach(settings, since_time, now):
        return Window()  # X refuses a since_id older than what it searches
    moment = datetime.fromtimestamp(since_time, UTC)
    if since_id is None:
        return Window(start_time=moment)  # that post has been erased
    # Of the full archive X else gives the last 30 days, whatever the id says.
    return Window(since_id=since_id, start_time=moment if settings.scope == "all" else None)


def paid(pages: Iterator[Page], client: Client, budget: Budget) -> Iterator[Page]:
    """Yield `pages` of `client`, whose cost `budget.room` reserved, and settle each reservation.

    The reservation of a failed request is released, unless X may nevertheless have billed it.
    """
    while True:
        with _given_back(client, budget):
            page = next(pages, None)
        if page is None:
            return
        budget.settle(*answers.read(page.body))
        yield page


@contextmanager
def _given_back(client: Client, budget: Budget) -> Iterator[None]:
    """Release the reservation if the block fails and X has certainly read nothing."""
    try:
        yield
    except BaseException:
        if not client.in_doubt:
            budget.settle(0, 0)
        raise


def _keep(page: Page, day: str, folder: PagesFolder) -> int:
    """Write `page` to disk and count it in the checkpoint; return its number of posts."""
    posts, newest = len(answers.posts(page.body)), answers.newest(page.body)
    changed = {"next_token": page.next_token, "done": page.next_token is None}
    if newest and not folder.checkpoint.read:
        changed |= {"newest_id": newest[0], "newest_time": newest[1]}
    if posts:
        folder.append(answers.line(page.raw))
    folder.commit(day, posts, **changed)
    return posts


def _say_progress(page: Page, pages: int, posts: int, budget: Budget) -> None:
    logger.info(
        "page %d: %d posts so far, $%.2f of $%.2f spent this month, requests left: %s",
        pages, posts, budget.spent(), budget.dollars,
        "unknown" if page.limit.remaining is None else page.limit.remaining,
    )  # fmt: skip


def estimate(settings: CollectSettings, client: Client, key: Key | None) -> Estimate:
    """The size and cost of a run, from X's counts, which read no post.

    `key` opens the checkpoint and may be None if there is none. X gives no counts of mentions.
    """
    budget = Budget(settings, client.clock)
    state = PagesFolder(key).checkpoint_of(digest_of(settings)) if key else None
    size = LARGEST[settings.scope]
    page_price = settings.price(*settings.most(size))
    if settings.query is None:
        return Estimate(None, None, None, size, page_price, budget.left())
    window = _window(settings, _since(state), client.clock())
    pages = endpoints.counts(client, settings.query, settings.scope, window=window)
    read = state.read if state and not state.done else 0
    posts = max(0, endpoints.total(pages) - read)
    requests = 1 + posts // size
    return Estimate(
        posts=posts,
        price=settings.price(*settings.most(posts)),
        seconds=requests * QUARTER / REQUESTS[settings.scope],
        page_size=size,
        page_price=page_price,
        left=budget.left(),
    )


def _since(state: Checkpoint | None) -> tuple[str | None, int | None]:
    """Id and time of the newest post that need not be requested."""
    if state is None:
        return None, None
    if state.done:
        return state.newest_id, state.newest_time
    return state.since_id, state.since_time


def _is_out_of_reach(settings: CollectSettings, moment: int | None, now: float) -> bool:
    recent = settings.scope == "recent"
    return recent and moment is not None and now - moment >= RECENT / timedelta(seconds=1)
