"""The documents: their links, and the commands they show, which readme_commands.py runs."""

import re

import pytest

from tests.system.consoles import (
    COMMANDS,
    DOCUMENTS,
    FOLDERS,
    LEFT_OUT,
    ROOT,
    RUN,
    RUNNING,
    SERVERS,
    TEXT,
    blocks,
    runnable,
    shape,
)

TARGETS = sorted({command for command, _ in COMMANDS if command.startswith("make ")})


@pytest.mark.parametrize("page", [*DOCUMENTS, "CONTRIBUTING.md"])
def test_what_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [name for name in targets if not ((ROOT / page).parent / name).exists()] == []


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 190
    assert max(map(len, text.splitlines())) <= 110
    assert len(text.split()) <= 1900


def test_a_command_either_runs_here_or_has_a_reason_not_to():
    assert [command for command, _ in RUNNING if not command.startswith(RUN)] == []
    assert set(LEFT_OUT) - {command for command, _ in COMMANDS} == set()
    assert [words for words in FOLDERS if words not in TEXT] == []


@pytest.mark.parametrize(
    "command", sorted({name for name, _ in COMMANDS if name.startswith("make ")})
)
def test_a_target_is_there(fresh, command):
    fresh.call("make", "--dry-run", *runnable(command, ".").split()[1:])


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_is_named(command):
    assert command in TEXT


def test_commands_are_found_with_what_they_print():
    text = "```console\n$ one  # why\n$ two \\\n    more\n...\n5 x\n```\n```text\n$ no\n```\n"
    assert list(blocks(text)) == [("one", ""), ("two more", "...\n5 x\n")]


def test_an_output_has_the_shape_shown_whatever_its_numbers():
    pattern = shape("...\nk 5, groups in kind (at 0.97), sizes [2, 31]\n   share 2.8%, done.\n")
    same = "told\nk 11, everybody, sizes [1,200]\nshare 12%, done."
    assert pattern.fullmatch(same)
    for wrong in (same + "x", same.replace("share", "part"), same.replace("12", "all")):
        assert not pattern.fullmatch(wrong)
