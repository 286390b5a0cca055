"""Pages sealed under the project's key: read beside the others, and never silently empty."""

import json
import stat
import traceback

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import rewriting, tally
from customer_profiles.privacy.keys import keyfile
from customer_profiles.privacy.keys.key import AnotherKey, Damaged, Key, open_key, successor_key

KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
TEXT = "the crumble is divine"


def a_page(number, likes=1):
    post = {
        "id": str(9_000_000 + number),
        "author_id": "77",
        "created_at": "2026-05-01T10:00:00.000Z",
        "text": TEXT,
        "public_metrics": {"like_count": likes},
    }
    return json.dumps({"data": [post], "includes": {"users": [{"id": "77", "username": "ann"}]}})


def write_sealed(file, pages, key=KEY):
    file.write_bytes(b"".join(key.seal(page.encode()) + b"\n" for page in pages))


def test_a_line_comes_out_as_it_went_in_and_nobody_sees_it_between():
    line = json.dumps({"text": "Grüße 🍂\n"}).encode() * 50
    token = KEY.seal(line)
    assert KEY.unseal(token) == KEY.unseal(token + b"\r\n") == line
    assert Key(bytes(range(32))).unseal(token) == line
    assert KEY.unseal(KEY.seal(b"")) == b""
    assert token.isascii()
    assert not set(token) & set(b"\r\n ")
    assert len(token) < len(line)
    assert token != KEY.seal(line)


def test_a_line_of_another_key_is_told_from_a_damaged_one_by_its_fingerprint():
    token = OTHER.seal(TEXT.encode())
    message = f"fingerprint {OTHER.fingerprint()}, and this one's is {KEY.fingerprint()}: restore"
    with pytest.raises(AnotherKey, match=message) as caught:
        KEY.unseal(token)
    assert TEXT not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(AnotherKey):
        KEY.unseal(token[: len(token) // 2])


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "plain"])
def test_a_damaged_line_is_an_error(damage):
    token = KEY.seal(TEXT.encode())
    middle = len(token) // 2
    flipped = token[:middle] + bytes([token[middle] ^ 1]) + token[middle + 1 :]
    lines = {"cut": token[:-9], "flipped": flipped, "empty": b"", "plain": a_page(1).encode()}
    with pytest.raises(Damaged, match="a sealed line is damaged; restore"):
        KEY.unseal(lines[damage])


def test_sealed_files_are_read_beside_the_others_in_the_order_of_their_names(tmp_path):
    (tmp_path / "1.jsonl").write_text(a_page(1, likes=5) + "\n")
    write_sealed(tmp_path / "2.jsonl.sealed", [a_page(1, likes=7), a_page(2)])
    (tmp_path / "3.json").write_text(a_page(2, likes=9))
    conversation = archive.read(tmp_path, KEY.unseal)
    assert conversation.posts["favorites"].tolist() == [7, 9]
    assert (conversation.counts["files"], conversation.counts["pages"]) == (3, 4)
    assert conversation.account.reasons == {tally.REPEATED: 2}


def test_a_plain_file_and_a_sealed_one_say_the_same(tmp_path):
    pages = ["\ufeff" + a_page(1), json.dumps(json.loads(a_page(2)), indent=1)]
    (tmp_path / "plain.jsonl").write_text(f"{pages[0]}\n")
    write_sealed(tmp_path / "sealed.jsonl.sealed", pages)
    lines = list(archive.lines(tmp_path / "sealed.jsonl.sealed", KEY.unseal))
    # A sealed line is what was sealed: only a file begins with a mark.
    assert lines[0].lstrip("\ufeff") == next(archive.lines(tmp_path / "plain.jsonl")).rstrip()
    assert json.loads(lines[1]) == json.loads(a_page(2))


@pytest.mark.parametrize("lost", [1, 2, 40, 150])
def test_a_torn_tail_loses_its_line_alone_and_is_counted(tmp_path, lost):
    file = tmp_path / "1.jsonl.sealed"
    write_sealed(file, [a_page(1), a_page(2), a_page(3)])
    file.write_bytes(file.read_bytes()[:-lost])
    conversation = archive.read(tmp_path, KEY.unseal)
    torn = lost > 1  # without its line end a line is whole
    assert conversation.counts["posts"] == 3 - torn
    assert conversation.account.reasons == ({tally.SEALED: 1} if torn else {})


def test_a_damaged_line_in_the_middle_is_left_out_and_counted(tmp_path):
    file = tmp_path / "1.jsonl.sealed"
    write_sealed(file, [a_page(1), a_page(2), a_page(3)])
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:60] + b"\n" + third)
    conversation = archive.read(tmp_path, KEY.unseal)
    assert conversation.counts["posts"] == 2
    assert conversation.account.reasons == {tally.SEALED: 1}
    assert conversation.account.first == {tally.SEALED: ("1.jsonl.sealed", 2)}


def test_a_file_under_another_key_is_an_error_that_names_it_and_the_way_out(tmp_path):
    write_sealed(tmp_path / "1.jsonl.sealed", [a_page(1)])
    write_sealed(tmp_path / "2.jsonl.sealed", [a_page(2)], OTHER)
    with pytest.raises(AnotherKey, match=r"2.jsonl.sealed cannot be opened: .* restore that key"):
        archive.read(tmp_path, KEY.unseal)


def test_sealed_pages_without_anything_to_open_them_are_an_error(tmp_path):
    (tmp_path / "1.jsonl").write_text(a_page(1) + "\n")
    assert len(archive.read(tmp_path).posts) == 1
    write_sealed(tmp_path / "2.jsonl.sealed", [a_page(2)])
    with pytest.raises(ValueError, match=r"2.jsonl.sealed holds sealed pages: give what opens"):
        archive.read(tmp_path)


def test_lines_written_again_are_sealed_again_at_once_and_none_is_lost(tmp_path):
    file = tmp_path / "1.jsonl.sealed"
    write_sealed(file, [a_page(1), a_page(2)])
    file.chmod(0o640)
    with file.open("ab") as stream:
        stream.write(KEY.seal(b"\xff{no page") + b"\n" + KEY.seal(b"lost")[:-5])
    lines = list(archive.lines(file, KEY.unseal))
    assert lines[:2] == [a_page(1), a_page(2)]
    assert lines[2].encode("utf-8", "surrogateescape") == b"\xff{no page"
    kept = [lines[0], "", *lines[2:]]
    raw = [line.encode("utf-8", "surrogateescape") for line in kept]
    rewriting.rewrite(file, {None: raw}, OTHER.seal)
    assert list(archive.lines(file, OTHER.unseal)) == kept
    assert file.read_bytes().count(b"\n") == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_an_error_while_lines_are_written_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "1.jsonl.sealed"
    write_sealed(file, [a_page(1), a_page(2)])
    before = file.read_bytes()
    lines = archive.lines(file, KEY.unseal)

    def failing():
        yield next(lines).encode()
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        rewriting.rewrite(file, {None: failing()}, KEY.seal)
    assert file.read_bytes() == before


def test_the_next_key_is_the_same_until_it_takes_the_place_of_the_old_one(project):
    old = open_key("pages", make=True)
    token = successor_key().seal(b"line")
    assert open_key("pages").fingerprint() == old.fingerprint()
    assert successor_key().unseal(token) == b"line"
    assert stat.S_IMODE((project / keyfile.NEXT).stat().st_mode) == 0o600
    assert keyfile.renew()
    assert open_key("pages").unseal(token) == b"line"
    assert [path.name for path in (project / "data").iterdir()] == ["secret.key"]
