"""Official files from a server on this machine: what comes back, and every way it may fail."""

import hashlib
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
import yaml

from customer_profiles.project import paths
from customer_profiles.sentiment.data.download import Patience, fetch
from tests.packed import zipped

TRAIN = "training.1600000.processed.noemoticon.csv"
TEST = "testdata.manual.2009.06.14.csv"
# Random bytes do not shrink: the zip is long enough to break in the middle.
MEMBERS = {TRAIN: Random(1).randbytes(300_000), TEST: b'"4","","","","","good"\n'}  # noqa: S311


ARCHIVE = zipped(MEMBERS)


class Answers(BaseHTTPRequestHandler):
    """Gives `server.content`; the first requests meet the faults in `server.faults`, in turn."""

    def do_GET(self):
        server = self.server
        server.requests += 1
        fault = server.faults.pop(0) if server.faults else None
        if fault == "hang":
            server.released.wait(30)
            self.close_connection = True
            return
        if isinstance(fault, int):
            self.send_error(fault)
            return
        content = server.content
        if isinstance(content, dict):
            content = content[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Type", server.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        end = 200_000 if fault == "truncate" else len(content)
        self.wfile.write(content[:end])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    # A proxy in the environment would be asked for the loopback address as well.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.content, server.content_type = ARCHIVE, "application/zip"
    server.faults, server.requests, server.released = [], 0, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def describe(server, tmp_path):
    """Writes a description of MEMBERS at the server; keyword arguments change or add keys."""

    def written(**changes):
        members = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in MEMBERS.items()
        }
        address = f"http://127.0.0.1:{server.server_port}/data/archive.zip"
        path = tmp_path / "official.yaml"
        path.write_text(yaml.safe_dump({"address": address, "members": members} | changes))
        return path

    return written


@pytest.fixture
def into(tmp_path):
    return tmp_path / "official"


def fetched(description, into, attempts=3, timeout=5.0):
    return fetch(description, into, Patience(attempts, longest_wait=0, timeout=timeout))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def figures(content):
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def git_blob(content):
    """The id that Git gives to a file of this content."""
    asked = ["git", "hash-object", "--stdin", "--no-filters"]
    return (
        subprocess.run(asked, input=content, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


PLAIN = {"val_text.txt": "so bad\ncafé\n".encode() * 20_000, "val_labels.txt": b"0\n1\n"}


@pytest.fixture
def plain(server, tmp_path):
    """Writes a description of PLAIN's files at the server; keyword arguments change or add some."""
    server.content = dict(PLAIN)

    def written(**changes):
        proofs = {name: {"blob": git_blob(content)} for name, content in PLAIN.items()}
        path = tmp_path / "official.yaml"
        address = f"http://127.0.0.1:{server.server_port}/data"
        described = {"address": address, "files": proofs | changes}
        path.write_text(yaml.safe_dump(described, sort_keys=False))
        return path

    return written


# what comes back


def test_the_members_are_unpacked_and_nothing_else_stays(describe, into):
    assert fetched(describe(), into) == into
    assert contents(into) == MEMBERS


def test_a_download_shows_how_far_it_is(describe, into, capsys):
    fetched(describe(), into)
    assert "archive.zip: 100%" in capsys.readouterr().err


def test_the_archives_own_figures_are_checked_when_they_are_known(describe, into):
    fetched(describe(**figures(ARCHIVE)), into)
    assert contents(into) == MEMBERS


def test_members_that_are_there_and_right_need_no_network(server, describe, into):
    description = describe()
    fetched(description, into)
    fetched(description, into)
    assert server.requests == 1


def test_a_member_that_was_changed_is_fetched_again(server, describe, into):
    description = describe()
    fetched(description, into)
    (into / TEST).write_bytes(MEMBERS[TEST].replace(b"good", b"evil"))
    fetched(description, into)
    assert contents(into) == MEMBERS


def test_other_files_of_the_folder_stay(describe, into):
    into.mkdir()
    (into / "notes.txt").write_bytes(b"mine")
    fetched(describe(), into)
    assert contents(into) == MEMBERS | {"notes.txt": b"mine"}


def test_an_archive_without_room_for_it_is_not_fetched(server, describe, small_disk):
    claimed = {TRAIN: {**figures(MEMBERS[TRAIN]), "bytes": 238_803_811}}
    with pytest.raises(OSError, match=r"^archive\.zip .* needs 0\.48 GB, but 0\.00 "):
        fetched(describe(members=claimed), small_disk / "official")
    assert server.requests == 0
    assert list(small_disk.iterdir()) == []


# a bad line


def test_a_download_that_broke_off_begins_again(server, describe, into):
    server.faults = ["truncate"]
    fetched(describe(), into)
    assert server.requests == 2
    assert contents(into) == MEMBERS


def test_when_all_attempts_fail_nothing_is_kept_and_the_next_run_begins_again(
    server, describe, into
):
    description = describe()
    server.faults = ["truncate", 503]
    with pytest.raises(ConnectionError, match=r"answered 503; that was attempt 2 of 2; run again"):
        fetched(description, into, attempts=2)
    assert contents(into) == {}
    fetched(description, into)
    assert contents(into) == MEMBERS


def test_what_a_killed_download_left_is_removed_by_the_next(describe, into):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = into / f".archive.zip.{ended.pid}.new"
    left.mkdir(parents=True)
    (left / "archive.zip").write_bytes(ARCHIVE[:1000])
    fetched(describe(), into)
    assert contents(into) == MEMBERS


def test_a_disk_that_fills_up_is_told_and_what_was_there_stays(server, describe, small_disk):
    into = small_disk / "official"
    into.mkdir()
    (into / TEST).write_bytes(MEMBERS[TEST])
    server.content = bytes(8_000_000)
    with pytest.raises(OSError, match=r"^archive\.zip could not be written \(No space left on dev"):
        fetched(describe(), into)
    assert contents(into) == {TEST: MEMBERS[TEST]}


def test_a_server_error_is_tried_again(server, describe, into):
    server.faults = [500]
    fetched(describe(), into)
    assert server.requests == 2
    assert contents(into) == MEMBERS


def test_a_server_that_hangs_is_given_up_after_the_timeout(server, describe, into):
    server.faults = ["hang", "hang"]
    with pytest.raises(ConnectionError, match=r"no answer or a broken one.*attempt 2 of 2"):
        fetched(describe(), into, attempts=2, timeout=0.1)
    server.released.set()
    assert contents(into) == {}


def test_a_hang_that_passes_is_tried_again(server, describe, into):
    server.faults = ["hang"]
    fetched(describe(), into, timeout=0.5)
    assert contents(into) == MEMBERS


def test_a_missing_page_is_not_asked_for_twice(server, describe, into):
    server.faults = [404]
    with pytest.raises(ConnectionError, match=r"archive\.zip: the server answered 404"):
        fetched(describe(), into)
    assert server.requests == 1


# a wrong file


def test_a_web_page_instead_of_the_archive_is_named_with_its_address(server, describe, into):
    server.content, server.content_type = b"<html>Moved</html>", "text/html; charset=utf-8"
    with pytest.raises(
        ValueError, match=r"/data/archive\.zip gave no zip archive, or a broken one"
    ):
        fetched(describe(), into)
    assert contents(into) == {}
    assert server.requests == 1


def test_a_wrong_checksum_of_the_archive_leaves_nothing(describe, into):
    expected = {"bytes": len(ARCHIVE), "sha256": "0" * 64}
    got = hashlib.sha256(ARCHIVE).hexdigest()
    with pytest.raises(ValueError, match=f"archive.zip: expected sha256 {'0' * 64}, got {got}"):
        fetched(describe(**expected), into)
    assert contents(into) == {}


def test_a_wrong_checksum_of_one_member_leaves_no_member(server, describe, into):
    server.content = zipped(MEMBERS | {TEST: MEMBERS[TEST].replace(b"good", b"evil")})
    with pytest.raises(ValueError, match=f"{TEST}: expected sha256 .*, got "):
        fetched(describe(), into)
    assert contents(into) == {}


def test_a_wrong_archive_leaves_the_members_that_were_there(server, describe, into):
    into.mkdir()
    (into / TEST).write_bytes(MEMBERS[TEST])
    server.content = zipped(MEMBERS | {TRAIN: bytes(300_000)})
    with pytest.raises(ValueError, match=f"{TRAIN}: expected sha256"):
        fetched(describe(), into)
    assert contents(into) == {TEST: MEMBERS[TEST]}


@pytest.mark.parametrize("more", [1, -1])
def test_an_archive_of_another_size_than_described_is_refused(describe, into, more):
    size = len(ARCHIVE) + more
    with pytest.raises(ValueError, match=f"expected {size} bytes, got {len(ARCHIVE)}"):
        fetched(describe(bytes=size), into)
    assert contents(into) == {}


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_an_archive_writes_nothing_outside_its_folder(server, describe, into, name):
    server.content = zipped(MEMBERS | {name: b"evil"})
    fetched(describe(), into)
    assert contents(into) == MEMBERS
    assert not list(into.parent.rglob("evil.csv"))


def test_only_the_members_named_are_unpacked(server, describe, into):
    server.content = zipped(MEMBERS | {"readme.txt": b"hello", "folder/more.csv": b"more"})
    fetched(describe(), into)
    assert contents(into) == MEMBERS


def test_a_member_larger_than_described_is_not_unpacked(server, describe, into):
    server.content = zipped(MEMBERS | {TEST: bytes(10_000_000)})
    with pytest.raises(ValueError, match=rf"{TEST}: expected \d+ bytes, got 10000000"):
        fetched(describe(), into)
    assert contents(into) == {}


def test_a_missing_member_is_named_beside_what_the_archive_holds(server, describe, into):
    server.content = zipped({TRAIN: MEMBERS[TRAIN], "other.csv": b""})
    with pytest.raises(ValueError, match=rf"must hold {TEST} once; it holds \['other.csv'"):
        fetched(describe(), into)
    assert contents(into) == {}


def test_a_damaged_archive_is_refused(server, describe, into):
    damaged = bytearray(ARCHIVE)
    damaged[150_000] ^= 255
    server.content = bytes(damaged)
    with pytest.raises(ValueError, match="no zip archive, or a broken one"):
        fetched(describe(), into)
    assert contents(into) == {}


# plain files


def test_plain_files_are_downloaded_with_progress_and_proved_by_their_git_blob(plain, into, capsys):
    assert fetched(plain(), into) == into
    assert contents(into) == PLAIN
    assert "val_text.txt: 100%" in capsys.readouterr().err


def test_plain_files_may_lie_at_the_top_of_a_server(server, plain, into):
    description = plain()
    text = description.read_text().replace("/data", "")
    description.write_text(text)
    fetched(description, into)
    assert contents(into) == PLAIN


def test_of_plain_files_only_those_that_are_absent_or_changed_are_fetched(server, plain, into):
    fetched(plain(), into)
    (into / "val_labels.txt").write_bytes(b"1\n1\n")
    fetched(plain(), into)
    assert (server.requests, contents(into)) == (3, PLAIN)
    fetched(plain(), into)
    assert server.requests == 3


@pytest.mark.parametrize("kind", ["blob", "sha256", "bytes"])
def test_a_plain_file_with_another_proof_is_refused_with_its_name_and_both_values(
    server, plain, into, kind
):
    other = b"2\n1\n0\n"
    server.content["val_labels.txt"] = other
    content = PLAIN["val_labels.txt"]
    ours, theirs = ({**figures(c), "blob": git_blob(c)} for c in (content, other))
    description = plain(**{"val_labels.txt": {kind: ours[kind], "blob": ours["blob"]}})
    values = {
        "blob": f"expected Git blob {ours['blob']}, got {theirs['blob']}",
        "sha256": f"expected sha256 {ours['sha256']}, got {theirs['sha256']}",
        "bytes": "expected 4 bytes, got 6",
    }
    with pytest.raises(ValueError, match=f"/data/val_labels.txt: {values[kind]}; nothing was kept"):
        fetched(description, into)
    assert contents(into) == {}


def test_a_plain_file_that_breaks_off_begins_again_and_a_missing_one_ends_all(server, plain, into):
    server.faults = ["truncate", 503]
    fetched(plain(), into)
    assert (server.requests, contents(into)) == (4, PLAIN)
    (into / "val_labels.txt").unlink()
    server.faults = [404]
    with pytest.raises(ConnectionError, match=r"/data/val_labels\.txt: the server answered 404"):
        fetched(plain(), into)


def test_plain_files_without_room_for_them_are_not_fetched(server, plain, small_disk):
    big = {"val_text.txt": {"bytes": 80_000_000, "blob": "0" * 40}}
    with pytest.raises(OSError, match=r"needs 0\.08 GB, but 0\.00 "):
        fetched(plain(**big), small_disk / "official")
    assert server.requests == 0


# the description


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adress": "http://127.0.0.1/"}, "must give address and members"),
        ({"members": {}}, "must give address and members"),
        ({"members": {"../x.csv": figures(b"x")}}, "must be a file name, not a path"),
        ({"members": {"x.csv": {"bytes": 1}}}, "x.csv must have both bytes and sha256"),
        ({"members": {"x.csv": None}}, "x.csv must have both bytes and sha256"),
        ({"files": {"x.txt": {"sha256": "0" * 64}}}, "must give address and members"),
        ({"sha256": 12}, 'sha256 of the archive must be 64 hex digits in "quotes", got 12'),
        ({"bytes": "many"}, "bytes of the archive must be a whole number, got 'many'"),
    ],
)
def test_a_description_that_says_too_little_is_refused(describe, into, changes, message):
    with pytest.raises(ValueError, match=rf"official\.yaml.*{message}"):
        fetched(describe(**changes), into)
    assert not into.exists()


def test_the_shipped_description_demands_the_official_files(describe, into):
    shipped = paths.inside("data/sample/sentiment140/official.yaml").read_text(encoding="utf-8")
    address = yaml.safe_load(describe().read_text())["address"]
    description = describe(**yaml.safe_load(shipped) | {"address": address})
    with pytest.raises(ValueError, match=f"{TEST}: expected 74326 bytes, got"):
        fetched(description, into)


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        ({}, "x.txt must have sha256 or blob"),
        ({"bytes": 3}, "x.txt must have sha256 or blob"),
        ({"blob": "abc"}, "blob of x.txt must be 40 hex digits in \"quotes\", got 'abc'"),
    ],
)
def test_a_plain_file_without_a_proof_is_refused(server, plain, into, proof, message):
    with pytest.raises(ValueError, match=message):
        fetched(plain(**{"x.txt": proof}), into)
    assert server.requests == 0


def test_the_shipped_description_of_labelled_posts_names_a_commit_and_proves_every_file(
    plain, into
):
    shipped = yaml.safe_load(
        paths.inside("data/sample/labelled/official.yaml").read_text(encoding="utf-8")
    )
    assert re.search(r"/cardiffnlp/tweeteval/[0-9a-f]{40}/datasets/sentiment$", shipped["address"])
    names = ["train_text.txt", "train_labels.txt", "val_text.txt", "val_labels.txt"]
    assert list(shipped["files"]) == names
    assert all(proof["blob"] for proof in shipped["files"].values())
    with pytest.raises(ValueError, match=r"/val_text\.txt: expected 219137 bytes, got "):
        fetched(plain(**shipped["files"]), into)
