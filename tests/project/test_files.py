"""Outputs are whole or not there, and the same content gives the same bytes."""

import hashlib
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from customer_profiles.project import files


class Stopped(Exception):
    """What goes wrong in a block."""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stop_in_the_middle(target, name):
    with files.replacing(target) as fresh:
        (fresh / name).parent.mkdir(exist_ok=True)
        (fresh / name).write_text("half")
        raise Stopped


def test_a_file_is_replaced_when_the_block_ends_and_not_before(tmp_path):
    target = tmp_path / "made" / "on the way" / "file"
    files.write_text(target, "old")
    with files.replacing(target) as fresh:
        fresh.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(target.parent) == ["file"]


def test_a_file_is_untouched_when_the_block_fails(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(Stopped):
        stop_in_the_middle(target, "")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_file_is_untouched_when_the_writer_is_killed(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    program = (
        "import os, pathlib, signal, sys\n"
        "from customer_profiles.project import files\n"
        "with files.replacing(pathlib.Path(sys.argv[1])) as fresh:\n"
        "    fresh.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "only in the old one").touch()
    with files.replacing(target) as fresh:
        fresh.mkdir()
        (fresh / "weights").write_text("new")
    assert names(tmp_path) == ["model"]
    assert names(target) == ["weights"]


def test_a_folder_is_untouched_when_the_block_fails(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "weights").write_text("old")
    with pytest.raises(Stopped):
        stop_in_the_middle(target, "weights")
    assert (target / "weights").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_folder_is_untouched_when_the_block_writes_nothing(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "weights").write_text("old")
    with pytest.raises(FileNotFoundError), files.replacing(target):
        pass
    assert (target / "weights").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_what_a_killed_process_of_the_same_id_left_is_in_nobodys_way(tmp_path):
    target = tmp_path / "model"
    for left in (
        target,
        tmp_path / f".model.{os.getpid()}.old",
        tmp_path / f".model.{os.getpid()}.new",
    ):
        left.mkdir()
        (left / "left").touch()
    with files.replacing(target) as fresh:
        fresh.mkdir()
        (fresh / "weights").touch()
    assert names(tmp_path) == ["model"]
    assert names(target) == ["weights"]


def test_a_link_to_a_folder_is_replaced_and_what_it_led_to_stays(tmp_path):
    cache, target = tmp_path / "cache", tmp_path / "model"
    cache.mkdir()
    (cache / "weights").write_text("cached")
    target.symlink_to(cache)
    with files.replacing(target) as fresh:
        fresh.mkdir()
    assert not target.is_symlink()
    assert names(target) == []
    assert (cache / "weights").read_text() == "cached"


def test_json_is_sorted_and_rounded(tmp_path):
    value = {"b": 0.123456, "a": {"z": np.int64(3), "y": (np.float32(0.5), True, None, "é")}}
    files.write_json(tmp_path / "report.json", value)
    assert (tmp_path / "report.json").read_bytes() == (
        b'{\n  "a": {\n    "y": [\n      0.5,\n      true,\n      null,\n      "\\u00e9"\n    ],\n'
        b'    "z": 3\n  },\n  "b": 0.1235\n}\n'
    )


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), np.float64("nan")])
def test_json_refuses_what_it_does_not_know_and_the_former_file_stays(tmp_path, broken):
    report = tmp_path / "report.json"
    files.write_json(report, {"accuracy": 0.8})
    before = report.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(report, {"accuracy": [broken]})
    assert report.read_bytes() == before


def test_csv_is_rounded_and_has_no_index(tmp_path):
    frame = pd.DataFrame({"k": [2, 3], "inertia": [10.00006, 1 / 3], "name": ["a,b", None]})
    files.write_csv(tmp_path / "curve.csv", frame)
    assert (tmp_path / "curve.csv").read_bytes() == b'k,inertia,name\n2,10.0001,"a,b"\n3,0.3333,\n'


def test_parquet_has_the_same_bytes_whatever_the_index(tmp_path):
    frame = pd.DataFrame({"k": [2, 3], "name": ["a", "b"]})
    files.write_parquet(tmp_path / "one", frame)
    files.write_parquet(tmp_path / "two", frame.set_index(pd.Index([7, 9])))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "one"), frame)


def test_the_digest_of_a_file_is_its_sha_256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.digest(tmp_path / "abc") == known


def test_the_digest_of_a_folder_is_that_of_its_names_and_contents(tmp_path):
    for name in ("b/inner", "a"):  # not in their order
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    of_a, of_inner = (hashlib.sha256(name).hexdigest() for name in (b"a", b"b/inner"))
    listed = f"a\0{of_a}\nb/inner\0{of_inner}\n"
    assert files.digest(tmp_path) == hashlib.sha256(listed.encode()).hexdigest()


def test_the_digest_of_a_folder_changes_with_a_name(tmp_path):
    (tmp_path / "a").write_text("content")
    before = files.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert files.digest(tmp_path) != before


def test_what_is_not_there_has_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        files.digest(tmp_path / "absent")


def test_room_that_is_not_free_is_refused_with_the_place_that_lacks_it(small_disk):
    folder = small_disk / "to be" / "made"
    files.require_room(folder, 3e6, "a model")
    (small_disk / "old").write_bytes(bytes(2_000_000))
    with pytest.raises(OSError, match=r"^a model needs ") as refused:
        files.require_room(folder, 30e6, "a model")
    assert str(refused.value) == (
        f"a model needs 0.03 GB, but 0.00 GB are free in {small_disk}; make room there, or use a "
        "larger disk"
    )
    with pytest.raises(OSError, match=r"^a model needs "):
        files.require_room(folder, 3e6, "a model")


def test_what_a_killed_process_left_goes_with_the_next_write_and_a_living_ones_stays(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = [tmp_path / f".table.csv.{ended.pid}.{kind}" for kind in ("new", "old")]
    living = tmp_path / f".table.csv.{os.getppid()}.new"
    other = tmp_path / f".table.csv.gz.{ended.pid}.new"
    for file in (*left, living, other):
        file.write_text("half")
    files.write_text(tmp_path / "table.csv", "whole")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "table.csv", living, other])
