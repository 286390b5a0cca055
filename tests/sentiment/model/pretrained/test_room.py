"""Disk and memory for an encoder, refused before anything is downloaded or written."""

import shutil

import pytest

from customer_profiles.commands.app import main
from customer_profiles.sentiment.model.pretrained import room
from tests.sentiment.tiny import ROOT

HUGE = 1e15


def test_too_little_memory_is_refused_with_both_numbers_and_a_smaller_encoder(tmp_path):
    with pytest.raises(MemoryError, match=r"needs 12000001\.0 GB of memory, but [\d.]+ GB are fr"):
        room.require_memory(HUGE)
    with pytest.raises(MemoryError, match=r"or set encoder\.origin to wheel \(2\.1 GB\)"):
        room.require_memory(HUGE)


def test_too_little_disk_is_refused_before_too_little_memory(small_disk):
    with pytest.raises(OSError, match=rf"needs 6000000\.00 GB, but .* free in {small_disk}"):
        room.require(small_disk, HUGE)


def test_what_the_wheels_of_an_origin_need_is_told_before_they_are_downloaded(tmp_path):
    assert room.before_download("mpnet", tmp_path, 0.44) == (
        "encoder of origin mpnet: 404 MB of wheels, then 2.6 GB of disk and 6.3 GB of memory"
    )


def test_a_disk_too_small_for_an_origin_is_refused_before_the_download(small_disk):
    with pytest.raises(OSError, match=r"the encoder of origin mpnet needs 3\.87 GB, but 0\.00 GB"):
        room.before_download("mpnet", small_disk, 0.44)


def test_the_command_checks_the_encoder_of_a_profile(project, capsys):
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    assert main(["room", "best"]) == 0
    assert "origin mpnet: 404 MB of wheels" in capsys.readouterr().out
    assert main(["room", "fastest"]) == 2
