"""What X says is deleted is gone from everywhere, at once, and nothing else is."""

import os
import subprocess

import numpy as np
import pytest

from customer_profiles.bench.loopback.compliance import SIGNATURE
from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.collect.folder import PagesFolder
from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.storage import Storage
from customer_profiles.commands.app import main
from customer_profiles.erasure import compliance
from customer_profiles.posts import archive
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import SAMPLE, SAMPLE_DIGEST, Key, open_key
from customer_profiles.project import files, params
from customer_profiles.store import connection
from tests.collect.collecting import opened
from tests.erasure.erasable import (
    FIRST,
    IDS,
    KEY,
    PAGES,
    POSTS,
    ROOT,
    database_of,
    everything,
    files_of,
    killed,
    left_by,
    page,
    restore,
    rows_of,
    run_stages,
    table_of,
    traces,
)
from tests.program import PROGRAM

OLD = Key(KEY)
DAY = "2026-05-07"
DAN = "9000000000000000100"
BOBS, KEPT = "9000000000000000021", "9000000000000000031"
GONE = {FIRST: "deleted", KEPT: "scrub_geo", IDS["bob"]: "suspended", IDS["cy"]: "scrub_geo"}


@pytest.fixture
def sealed(filled):
    """The project with pages in its archive, and sealed ones that were collected."""
    folder = opened("digest", DAY, OLD)
    mentioned = page(["ann"])[:-4] + f',{{"id":"{DAN}","username":"dan_handle"}}]}}}}'
    for line in (mentioned, page(["bob", "cy"]).rstrip()):
        folder.append(line.encode())
    folder.commit(DAY, posts=5, newest_id=FIRST)
    return filled


@pytest.fixture
def x():
    with XServer() as server:
        server.jobs.deleted = GONE
        yield server


@pytest.fixture
def comply(x, ask):
    """Function that runs the command's work against `x`."""

    def run(*folder, dry_run=False, **options):
        connect = lambda: ask(x, **options)  # noqa: E731
        compliance.comply(connect, Storage(), *folder, dry_run=dry_run)

    return run


def sealed_text(project):
    files = sorted(project.rglob("*.sealed"))
    return "".join(line for file in files for line in archive.lines(file, OLD.unseal))


def places_of(project, *needles):
    """Where any of `needles` still stands, sealed pages included."""
    text = sealed_text(project)
    return traces(project, *needles) + ["sealed"] * any(needle in text for needle in needles)


def marks(**ids):
    return {OLD.mark(OLD.pseudonym(kind, number)): kind for kind, number in ids.items()}


@pytest.fixture(scope="module")
def profile_of():
    def profile(project, name):
        people = table_of(project, "profiles").to_dict("index")
        return people.get(OLD.pseudonym("author", IDS[name]))

    return profile


def test_what_x_says_is_deleted_is_gone_from_everywhere_and_nothing_else_is(
    sealed, x, comply, profile_of
):
    before = {name: profile_of(sealed, name) for name in IDS}
    others = [IDS["ann"], "ann_handle", *left_by("cy")]
    standing = {text for text in others if places_of(sealed, text)}
    assert "sealed" in places_of(sealed, FIRST)
    assert "sealed" in places_of(sealed, *left_by("bob"))
    comply()
    assert x.jobs.uploads == {"tweets": sorted(POSTS), "users": [*sorted(IDS.values()), DAN]}
    erased = FIRST, POSTS[FIRST][2], OLD.pseudonym("post", FIRST), *left_by("bob")
    assert places_of(sealed, *erased) == []
    assert {text for text in others if places_of(sealed, text)} == standing
    assert (before["ann"]["posts"], profile_of(sealed, "ann")["posts"]) == (2, 1)
    assert profile_of(sealed, "bob") is None
    assert profile_of(sealed, "cy") == before["cy"]
    wanted = marks(post=FIRST, author=IDS["bob"])
    assert tombstones.read(OLD.fingerprint()) == wanted
    assert {row["_id"]: row["kind"] for row in rows_of(sealed)["tombstones"]} == wanted


def test_a_replay_brings_nothing_back_and_x_is_asked_about_the_rest_only(sealed, x, comply):
    copy = {name: text for name, text in files_of(sealed).items() if name.startswith(PAGES)}
    comply()
    rows = rows_of(sealed)
    comply()
    assert x.jobs.uploads == {
        "tweets": [post for post in sorted(POSTS) if post != FIRST and POSTS[post][0] != "bob"],
        "users": [IDS["ann"], IDS["cy"], DAN],
    }
    assert rows_of(sealed) == rows
    restore(sealed, {**files_of(sealed), **copy})
    with database_of(sealed) as database:
        database.client.drop_database(database)
    run_stages(sealed)
    again = rows_of(sealed)
    for name in ("observations", "profiles", "tombstones"):
        assert again[name] == rows[name]


def test_a_dry_run_says_how_many_and_changes_no_byte(sealed, x, comply, caplog):
    before = everything(sealed)
    comply(dry_run=True)
    assert everything(sealed) == before
    assert [line for line in caplog.messages if line.startswith(("on the", "posts", "users"))] == [
        "on the pages held, to ask X about: posts: <10, users: <10",
        "posts that X says are to be deleted: deleted <10, scrub_geo <10",
        "users that X says are to be deleted: scrub_geo <10, suspended <10",
    ]
    message = "would be erased: 3 posts in the database and its files, 11 in pages"
    assert message in caplog.text
    assert "make repro" not in caplog.text
    assert len(x.jobs.uploads) == 2


def test_a_dry_run_without_a_token_asks_nothing_and_a_run_without_one_is_refused(
    sealed, x, caplog, monkeypatch
):
    monkeypatch.delenv(errors.VARIABLE, raising=False)
    before = everything(sealed)
    assert main(["comply", "--dry-run"]) == 0
    assert "to ask X about: posts: <10, users: <10" in caplog.text
    assert "X was not asked: X_BEARER_TOKEN is not set" in caplog.text
    assert main(["comply"]) == 1
    assert "there is no token for X" in caplog.text
    assert everything(sealed) == before


def test_counts_of_ten_and_more_are_told_and_reasons_that_x_may_invent_erase(
    sealed, x, comply, caplog
):
    posts = {str(7_000_000_000_000_000_000 + n): ("cy", "2026-05-06", f"t{n}") for n in range(30)}
    (sealed / PAGES / "7.jsonl").write_text(page(["cy"], posts))
    reasons = ["deleted", "deactivated", "protected", "bounced", "Ünknown 9000000000000000070"]
    x.jobs.deleted = {post: reasons[n % 5] for n, post in enumerate(posts) if n < 24}
    x.jobs.deleted |= dict.fromkeys(list(posts)[24:], "") | {KEPT: "scrub_geo"}
    comply()
    assert "posts: 35, users: <10" in caplog.text
    assert "another reason 10, bounced <10, deactivated <10, deleted <10, protected <10, scrub_geo"
    assert places_of(sealed, *posts) == []
    assert places_of(sealed, KEPT) != []
    assert "9000000000000000070" not in caplog.text


def test_verdicts_that_were_not_asked_for_are_counted_and_left_out(sealed, x, comply, caplog):
    x.jobs.deleted = {}
    before = everything(sealed)
    x.jobs.extra = (
        '{"id": "4711", "action": "delete", "reason": "deleted"}',
        f'{{"id": "{FIRST}", "action": "praise", "reason": "deleted"}}',
        "",
    )
    comply()
    assert everything(sealed) == before
    assert "left out: verdicts on posts that X was not asked about, <10" in caplog.text
    assert "left out: verdicts on posts with another action than delete, <10" in caplog.text
    assert "left out: verdicts on users that X was not asked about, <10" in caplog.text
    assert "X reports none of them as deleted" in caplog.text


@pytest.mark.parametrize(
    ("kind", "faults", "stored", "ends"),
    [
        (errors.JobFailed, [], [], "failed"),
        (errors.JobFailed, [], [], "expired"),
        (errors.JobFailed, [], ["refused"], "complete"),
        (errors.JobFailed, [], [None, None, None, "refused"], "complete"),
        (errors.BrokenAnswer, [], [None, None] + ["half a line"] * 2, "complete"),
        (errors.Unauthorized, ["401"], [], "complete"),
        (errors.RateLimited, [None, None, "429", "429"], [], "complete"),
        (errors.Busy, [None, None, None, "503", "503"], [], "complete"),
    ],
)
def test_where_x_fails_nothing_is_erased_and_run_again_everything_is(
    sealed, x, comply, kind, faults, stored, ends
):
    before = everything(sealed)
    x.faults, x.jobs.faults, x.jobs.ends = faults, stored, ends
    with pytest.raises(kind):
        comply(attempts=2)
    assert everything(sealed) == before
    x.jobs.ends = "complete"
    for kind in ("tweets", "users"):  # whatever was begun has come to its end
        for job in x.jobs.listed(kind, "in_progress").get("data", ()):
            x.jobs.job(job["id"])
    comply()
    assert places_of(sealed, FIRST, *left_by("bob")) == []


@pytest.mark.long
def test_a_run_killed_while_it_erases_is_whole_when_it_is_repeated(sealed, x, comply):
    before = everything(sealed)
    comply()
    files, rows = everything(sealed)
    for step in (1, 6, 11):
        restore(sealed, *before)
        assert killed(comply, step)
        comply()
        now, now_rows = everything(sealed)
        assert now_rows == rows
        assert {n: c for n, c in now.items() if "sealed" not in n} == {
            n: c for n, c in files.items() if "sealed" not in n
        }
        assert FIRST not in sealed_text(sealed)


def test_other_pages_can_be_asked_about_and_are_erased_from_too(sealed, x, comply):
    copy = sealed / "copy"
    copy.mkdir()
    (copy / "1.jsonl").write_text(page(["bob"]))
    comply("copy")
    assert x.jobs.uploads["users"] == [IDS["bob"]]
    assert places_of(sealed, *left_by("bob")) == []
    assert places_of(sealed, FIRST) != []


def test_the_shipped_sample_is_refused_before_x_is_asked(empty, x, caplog, monkeypatch):
    monkeypatch.setenv(errors.VARIABLE, TOKEN)
    (empty / "data/sample").mkdir(parents=True)
    (empty / SAMPLE).symlink_to(ROOT / SAMPLE)
    (empty / SAMPLE_DIGEST).symlink_to(ROOT / SAMPLE_DIGEST)
    params.change(empty / "params.yaml", {"collect.host": "x"})
    for archived, arguments in (
        (SAMPLE, []),
        (SAMPLE, ["--pages", PAGES]),
        (PAGES, ["--pages", SAMPLE]),
    ):
        params.change(empty / "params.yaml", {"pull.archive": archived})
        key = open_key(archived)
        manifest = {
            "archive": archived,
            "audience": key.audience(archived),
            "key": key.fingerprint(),
            "sample": archived == SAMPLE,
        }
        files.write_json(empty / connection.LOADED, manifest)
        assert main(["comply", *arguments]) == 1
        assert "the people of the shipped sample are invented, X knows none" in caplog.text
        caplog.clear()


def test_pages_that_expire_while_x_works_are_no_obstacle(sealed, x, ask):
    def later():
        assert len(PagesFolder().expire(1, "2026-06-30")) == 1
        return ask(x)

    compliance.comply(later, Storage())
    assert places_of(sealed, FIRST, *left_by("bob")) == []


def test_an_archive_loaded_while_x_works_is_noticed(sealed, x, ask):
    def changed():
        others = {"archive": "others", "audience": OLD.audience("others")}
        files.write_json(sealed / connection.LOADED, connection.loaded() | others)
        return ask(x)

    with pytest.raises(ValueError, match="another archive was loaded meanwhile"):
        compliance.comply(changed, Storage())
    assert not (sealed / tombstones.FOLDER).exists()


def test_ids_are_held_once_and_sorted_and_what_is_none_is_not():
    drawn = np.random.default_rng(3).integers(1, 10**6, 150_000)
    ids = compliance.Ids()
    for name in [*map(str, drawn), "9" * 19, "0", "012", "1" * 20, "x", "-1", "٣"]:
        ids.add(name)
    wanted = [*map(int, np.unique(drawn)), int("9" * 19)]
    assert list(map(int, ids)) == wanted
    assert len(ids) == len(wanted)
    assert all(str(number) in ids for number in wanted[::1000])
    assert [text for text in ("0", "1000001", "9" * 18 + "8") if text in ids] == []


def test_a_whole_run_says_no_id_handle_address_or_token(sealed, x):
    file = sealed / "params.yaml"
    text = file.read_text().replace("host: https://api.x.com", f"host: {x.address}")
    file.write_text(text)
    names = {"PYTHONPATH": str(ROOT / "src"), errors.VARIABLE: TOKEN}
    ended = subprocess.run(
        [PROGRAM, "comply"],
        cwd=sealed, env={**os.environ, **names}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    assert "erased: 3 posts in the database and its files, 11 in pages" in output
    assert "run `dvc repro`, which publishes what is left" in output
    secrets = [*IDS.values(), DAN, *POSTS, *(text for _, _, text in POSTS.values()), "_handle"]
    secrets += [TOKEN, SIGNATURE, "submission", "storage/", x.address, "14255432699839847"]
    secrets += [OLD.pseudonym(kind, number) for kind in tombstones.KINDS for number in IDS.values()]
    secrets += [OLD.pseudonym("post", post) for post in POSTS]
    assert [secret for secret in secrets if secret in output] == []
    assert places_of(sealed, FIRST, *left_by("bob")) == []
