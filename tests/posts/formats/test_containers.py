"""Files are opened by their content, however they are packed, encoded and named, or named."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import socket
import tarfile

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from tests.packed import zipped
from tests.posts.small import TEXT, a_page, lines, read_ids

PAGES = lines(a_page(1, 2), a_page(3))
IDS = ["1", "2", "3"]


def tarred(name, content):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def utf16(order):
    mark = {"le": codecs.BOM_UTF16_LE, "be": codecs.BOM_UTF16_BE}[order]
    return mark + PAGES.decode().encode(f"utf-16-{order}")


READABLE = {
    "plain": PAGES,
    "gzip": gzip.compress(PAGES),
    "gzip of several members": b"".join(map(gzip.compress, PAGES.splitlines(keepends=True))),
    "gzip with zeros behind it": gzip.compress(PAGES) + bytes(100),
    "bzip2": bz2.compress(PAGES),
    "bzip2 of several streams": b"".join(map(bz2.compress, PAGES.splitlines(keepends=True))),
    "zip": zipped({"a.json": lines(a_page(1, 2)), "b/c.json": lines(a_page(3))}),
    "zip with gzip in it": zipped({"a.gz": gzip.compress(PAGES)}),
    "zip with hidden files": zipped({"a": PAGES, ".DS_Store": b"x", "__MACOSX/._a": b"x"}),
    "UTF-8 with a mark": codecs.BOM_UTF8 + PAGES,
    "UTF-16 LE": utf16("le"),
    "UTF-16 BE": utf16("be"),
    "UTF-32": PAGES.decode().encode("utf-32"),
    "UTF-16 in gzip": gzip.compress(utf16("le")),
    "UTF-16 in a zip": zipped({"a": utf16("be")}),
    "Windows' line ends": PAGES.replace(b"\n", b"\r\n"),
    "old Macs' line ends": PAGES.replace(b"\n", b"\r"),
}


@pytest.mark.parametrize("name", ["a.jsonl", "b.JSON", "notes.txt", "x.zip"])
@pytest.mark.parametrize("form", READABLE)
def test_a_file_is_read_by_its_content_whatever_its_name(tmp_path, form, name):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_bytes(READABLE[form])
    for place in (tmp_path, tmp_path / "sub" / name):
        conversation = archive.read(place)
        assert read_ids(conversation) == IDS
        assert set(conversation.posts["text"]) == {TEXT}
        assert not conversation.account.reasons


MANY = lines(*(a_page(number * 7919) for number in range(3_000)))


@pytest.mark.parametrize("kept", [0.9, 0.5])
@pytest.mark.parametrize("pack", [gzip.compress, lambda content: bz2.compress(content, 1)])
def test_a_torn_file_gives_what_can_be_read_and_is_named(tmp_path, pack, kept):
    packed = pack(MANY)
    (tmp_path / "part").write_bytes(packed[: int(kept * len(packed))])
    conversation = archive.read(tmp_path)
    assert 3000 * (kept - 0.4) < conversation.counts["posts"] < 3000
    assert conversation.account.files == {"part": "ends too early or is damaged; copy it again"}
    assert conversation.account.reasons[tally.TORN] <= 1


def test_a_gzip_file_with_a_wrong_checksum_is_named(tmp_path):
    packed = bytearray(gzip.compress(PAGES))
    packed[-6] ^= 1
    (tmp_path / "part.gz").write_bytes(packed)
    conversation = archive.read(tmp_path)
    assert read_ids(conversation) == IDS
    assert "damaged" in conversation.account.files["part.gz"]


def with_password(content):
    """The zip `content` with the flag that its first member is encrypted."""
    flags = [content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8]
    changed = bytearray(content)
    for place in flags:
        changed[place] |= 1
    return bytes(changed)


def bomb():
    """A gzip file of some 300 kB that unpacks to 300 MB."""
    zeros = gzip.compress(bytes(10 * 2**20))
    return gzip.compress(PAGES) + zeros * 30


NOT_READ = {
    "zip with a password": (with_password(zipped({"a": PAGES})), "!a needs a password; unpack it"),
    "zip in a zip": (zipped({"b": zipped({"a": PAGES})}), "!b is a zip within a zip; unpack it"),
    "torn zip": (zipped({"a": PAGES})[:-40], " cannot be opened (BadZipFile); copy it again"),
    "spreadsheet": (
        zipped({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}),
        " is an Office document; save it as CSV",
    ),
    "tar": (tarred("a", PAGES), " is a tar archive; unpack it"),
    "tar.gz": (gzip.compress(tarred("a", PAGES)), " is a tar archive; unpack it"),
    "xz": (lzma.compress(PAGES), " is packed by xz; unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), " is packed by zstd; unpack it"),
    "gzip in gzip": (gzip.compress(gzip.compress(PAGES)), " is packed twice; unpack it"),
    "bzip2 in gzip": (gzip.compress(bz2.compress(PAGES)), " is packed twice; unpack it"),
    "xz in gzip": (gzip.compress(lzma.compress(PAGES)), " is packed by xz; unpack it"),
    "zip in gzip": (gzip.compress(zipped({"a": PAGES})), " is packed twice; unpack it"),
    "Parquet": (b"PAR1" + bytes(30), " is a Parquet file; write it as CSV or JSON"),
    "SQLite": (b"SQLite format 3\0" + bytes(30), " is an SQLite database; export it as CSV"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(30), " is an image"),
    "PDF": (b"%PDF-1.7\n{}", " is a PDF"),
    "no text": (bytes(range(1, 256)), " is no text"),
    "UTF-16 without a mark": (utf16("le")[2:], " is UTF-16 without a byte-order mark; write it"),
    "UTF-16 BE without a mark": (utf16("be")[2:], " is UTF-16 without a byte-order mark; write it"),
    "zeros": (bytes(1000), " is no text"),
    "bomb": (bomb(), " unpacks to more than 300 times its size, as no posts do; unpack it"),
}


@pytest.mark.parametrize("form", NOT_READ)
def test_what_cannot_be_read_is_named_by_what_it_is_and_the_rest_is_read(tmp_path, form):
    content, reason = NOT_READ[form]
    (tmp_path / "a.jsonl").write_bytes(lines(a_page(9)))
    (tmp_path / "other").write_bytes(content)
    conversation = archive.read(tmp_path)
    ((name, told),) = conversation.account.files.items()
    assert f"{name[len('other') :]} {told}".startswith(reason)
    assert set(read_ids(conversation)) in ({"9"}, {"9", *IDS})
    assert set(read_ids(conversation)) == ({"9", *IDS} if form == "bomb" else {"9"})


def test_names_in_a_zip_lead_nowhere(tmp_path):
    packed = zipped({"../../outside.json": PAGES, "/etc/absolute.json": lines(a_page(4))})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.zip").write_bytes(packed)
    assert read_ids(archive.read(tmp_path / "in")) == [*IDS, "4"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_hidden_files_circles_of_links_and_what_is_no_file_are_named(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jsonl").write_bytes(PAGES)
    (tmp_path / "sub" / "again").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "linked").symlink_to(tmp_path / "a.jsonl")
    (tmp_path / ".hidden").write_bytes(lines(a_page(8)))
    (tmp_path / ".folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # the path of a socket is short
        listening.bind("socket")
        conversation = archive.read(tmp_path)
    assert read_ids(conversation) == IDS
    assert conversation.account.files == {
        ".folder": "is a hidden folder",
        ".hidden": "is a hidden file",
        "itself": "is no file that can be read",
        "nowhere": "is no file that can be read",
        "pipe": "is no file that can be read",
        "socket": "is no file that can be read",
        "sub/again": "is a link to a folder",
    }


def test_a_file_that_this_user_may_not_read_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(PAGES)
    (tmp_path / "b.jsonl").write_bytes(PAGES)
    (tmp_path / "b.jsonl").chmod(0)
    if os.access(tmp_path / "b.jsonl", os.R_OK):
        pytest.skip("this user may read every file")
    assert archive.read(tmp_path).account.files == {"b.jsonl": "may not be read by this user"}


def test_a_file_that_fails_when_it_is_read_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(PAGES)
    (tmp_path / "b.jsonl").symlink_to("/proc/self/mem")  # its first bytes are an input/output error
    conversation = archive.read(tmp_path)
    assert read_ids(conversation) == IDS
    assert conversation.account.files == {"b.jsonl": "cannot be opened (OSError); copy it again"}


def test_only_what_was_there_when_sizes_were_taken_is_read(tmp_path, caplog):
    file = tmp_path / "a.jsonl"
    file.write_bytes(PAGES)
    sizes = archive.sizes_of(tmp_path)
    with file.open("ab") as stream:
        stream.write(lines(a_page(4)))
    (tmp_path / "b.jsonl").write_bytes(lines(a_page(5)))
    conversation = archive.read(tmp_path, sizes=sizes)
    assert read_ids(conversation) == IDS
    assert "came while the archive was read" in conversation.account.files["b.jsonl"]
    assert archive.digests(tmp_path, sizes)[0]["bytes"] == len(PAGES)
    assert "a.jsonl, b.jsonl; `dvc repro --force pull` reads the rest" in caplog.text
