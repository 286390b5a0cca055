"""The command `customer-profiles`: its help does nothing, a slip of the pen is understood."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from customer_profiles.commands.app import app, main

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "tf_keras", "mlflow", "pandas", "sklearn", "pymongo", "django", "tweepy"}
HELP = """\
import json, sys
from customer_profiles.commands.app import main
codes = [main([*command, "--help"]) for command in json.loads(sys.argv[1])]
print(json.dumps([codes, sorted(sys.modules)]), file=sys.stderr)
"""


def commands(group=None, path=()):
    """Every subcommand, as the words that name it."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def test_the_help_of_every_subcommand_imports_no_heavy_library_and_writes_nothing(tmp_path):
    every = list(commands())
    assert {("collect",), ("stream",), ("token", "create"), ("store", "export")} <= set(every)
    ended = subprocess.run(
        [sys.executable, "-B", "-c", HELP, json.dumps([[], *every])],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    codes, modules = json.loads(ended.stderr)
    assert codes == [0] * (len(every) + 1)
    assert HEAVY & set(modules) == set()
    assert ended.stdout.count("Usage: customer-profiles") == len(codes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["colect"], "Did you mean 'collect'?"),
        (["store", "exprot"], "Did you mean 'export'?"),
        (["collect", "--dry-rum"], "Possible options: --dry-run"),
        (["expire", "--asof", "2026-05-01"], "Possible options: --as-of"),
    ],
)
def test_an_unknown_command_or_option_names_the_nearest(capsys, words, nearest):
    assert main(words) == 2
    assert nearest in capsys.readouterr().err


def test_an_error_that_can_be_mended_is_one_line_and_any_other_is_not_hidden(
    project, caplog, monkeypatch
):
    assert main(["rotate"]) == 1
    assert caplog.messages[-1].startswith("error: ")
    from customer_profiles.erasure import key_rotation

    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(key_rotation, "rotate", broken)
    with pytest.raises(ZeroDivisionError):
        main(["rotate"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "--port", "65536"], "'--port': Input should be less than or equal to 65535"),
        (
            ["token", "create", "marketing", "--days", "0"],
            "'--days': Input should be greater than or equal to 1",
        ),
        (["token", "create", "two words"], "NAME must be 1 to 64 letters, digits or . _ @ -"),
        (["store", "export", "tokens", "tokens.csv"], "'tokens' is not one of 'profiles'"),
    ],
)
def test_what_an_option_may_be_is_said(capsys, project, words, message):
    assert main(words) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_make_calls_only_commands_that_there_are():
    called = set()
    for name in ("Makefile", "dvc.yaml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        called |= set(re.findall(r"customer-profiles ([a-z]+)", text))
    assert {"run", "choose", "summary", "collect", "bench"} <= called
    assert called <= {command[0] for command in commands()}


def test_what_a_command_writes_is_readable_by_its_user_alone_and_memory_is_never_dumped(project):
    before = os.umask(0o022)
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        main(["plots", "plots.html"])
        assert (project / "plots.html").stat().st_mode & 0o077 == 0
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        os.umask(before)
        resource.setrlimit(resource.RLIMIT_CORE, limits)
