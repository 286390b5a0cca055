import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
import yaml

from customer_profiles.project import paths
from customer_profiles.sentiment.data.download import fetch_archive

TRAIN = "training.1600000.processed.noemoticon.csv"
TEST = "testdata.manual.2009.06.14.csv"
# Random bytes do not shrink: the zip is long enough to break in the middle.
MEMBERS = {TRAIN: Random(1).randbytes(300_000), TEST: b'"4","","","","","good"\n'}  # noqa: S311


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped(MEMBERS)


class Answers(BaseHTTPRequestHandler):
    """Gives `server.content`; the first requests meet the faults in `server.faults`, in turn."""

    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        fault = server.faults.pop(0) if server.faults else None
        if fault == "hang":
            server.released.wait(30)
            self.close_connection = True
            return
        if isinstance(fault, int):
            self.send_error(fault)
            return
        content, start = server.content, 0
        if server.ranges[-1] and fault != "no range":
            start = int(server.ranges[-1].removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", server.content_type)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = 200_000 if fault == "truncate" else len(content)
        self.wfile.write(content[start:end])
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
    server.faults, server.ranges, server.released = [], [], threading.Event()
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
    return fetch_archive(description, into, waits=(0,) * (attempts - 1), timeout=timeout)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def figures(content):
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


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
    assert server.ranges == [None]


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
    assert server.ranges == []
    assert list(small_disk.iterdir()) == []


# a bad line


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, describe, into):
    server.faults = ["truncate"]
    fetched(describe(), into)
    first, second = server.ranges
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 200_000
    assert contents(into) == MEMBERS


def test_what_was_fetched_is_kept_for_the_next_run_when_all_attempts_fail(server, describe, into):
    description = describe()
    server.faults = ["truncate", 503]
    with pytest.raises(ConnectionError, match=r"answered 503, after 2 attempts; run again later"):
        fetched(description, into, attempts=2)
    kept = contents(into)
    assert list(kept) == ["archive.zip.part"]
    assert ARCHIVE.startswith(kept["archive.zip.part"])
    fetched(description, into)
    assert server.ranges[-1] == f"bytes={len(kept['archive.zip.part'])}-"
    assert contents(into) == MEMBERS


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, describe, into):
    server.faults = ["truncate", "no range"]
    fetched(describe(), into)
    assert len(server.ranges) == 2
    assert contents(into) == MEMBERS


def test_a_server_error_is_tried_again(server, describe, into):
    server.faults = [500]
    fetched(describe(), into)
    assert server.ranges == [None, None]
    assert contents(into) == MEMBERS


def test_a_server_that_hangs_is_given_up_after_the_timeout(server, describe, into):
    server.faults = ["hang", "hang"]
    with pytest.raises(ConnectionError, match=r"no answer or a broken one.*after 2 attempts"):
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
    assert server.ranges == [None]


def test_a_part_longer_than_the_archive_is_begun_again(server, describe, into):
    into.mkdir()
    (into / "archive.zip.part").write_bytes(ARCHIVE + b"more")
    fetched(describe(**figures(ARCHIVE)), into)
    assert server.ranges == [None]
    assert contents(into) == MEMBERS


def test_a_part_longer_than_the_servers_file_is_begun_again(server, describe, into):
    into.mkdir()
    (into / "archive.zip.part").write_bytes(ARCHIVE + b"more")
    fetched(describe(), into)
    assert server.ranges == [f"bytes={len(ARCHIVE) + 4}-", None]
    assert contents(into) == MEMBERS


@pytest.mark.parametrize("known", [True, False])
def test_a_part_that_is_whole_is_not_fetched_again(server, describe, into, known):
    into.mkdir()
    (into / "archive.zip.part").write_bytes(ARCHIVE)
    fetched(describe(**(figures(ARCHIVE) if known else {})), into)
    assert server.ranges == ([] if known else [f"bytes={len(ARCHIVE)}-"])
    assert contents(into) == MEMBERS


# a wrong file


def test_a_web_page_instead_of_the_archive_is_named_with_its_address(server, describe, into):
    server.content, server.content_type = b"<html>Moved</html>", "text/html; charset=utf-8"
    with pytest.raises(ValueError, match=r"/data/archive\.zip gave no zip archive but text/html"):
        fetched(describe(), into)
    assert contents(into) == {}
    assert len(server.ranges) == 1


def test_a_wrong_checksum_of_the_archive_leaves_nothing(describe, into):
    expected = {"bytes": len(ARCHIVE), "sha256": "0" * 64}
    got = hashlib.sha256(ARCHIVE).hexdigest()
    with pytest.raises(ValueError, match=f"expected sha256 {'0' * 64}, got {got}"):
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


def test_an_archive_shorter_than_described_is_refused(describe, into):
    with pytest.raises(ValueError, match=f"expected {len(ARCHIVE) + 1} bytes, got {len(ARCHIVE)}"):
        fetched(describe(bytes=len(ARCHIVE) + 1), into)
    assert contents(into) == {}


def test_an_archive_longer_than_described_is_stopped(describe, into):
    with pytest.raises(ValueError, match="gives more than the 100000 bytes expected"):
        fetched(describe(bytes=100_000), into)
    assert contents(into) == {}


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_an_archive_that_writes_outside_its_folder_is_refused(server, describe, into, name):
    server.content = zipped(MEMBERS | {name: b"evil"})
    with pytest.raises(ValueError, match="wants to write outside its folder"):
        fetched(describe(), into)
    assert contents(into) == {}
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
    with pytest.raises(ValueError, match="broken zip archive"):
        fetched(describe(), into)
    assert contents(into) == {}


# the description


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adress": "http://127.0.0.1/"}, "must give address and members"),
        ({"members": {}}, "must give address and members"),
        ({"members": {"../x.csv": figures(b"x")}}, "must be a file name, not a path"),
        ({"members": {"x.csv": {"bytes": 1}}}, "x.csv must have both bytes and sha256"),
        ({"members": {"x.csv": None}}, "x.csv must have both bytes and sha256"),
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
