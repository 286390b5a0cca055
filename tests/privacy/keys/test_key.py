"""The key: made once, guarded, and never the public one by accident."""

import base64
import hashlib
import os
import shutil
import stat
import subprocess
import sys

import pytest

from customer_profiles.privacy.keys import keyfile
from customer_profiles.privacy.keys.key import (
    FILE,
    SAMPLE,
    SAMPLE_DIGEST,
    VARIABLE,
    Key,
    is_sample,
    open_key,
    reopen_key,
)
from tests.privacy.keys.refusing import KEY, OTHER, PAGES, TEXT, refusal

DEMONSTRATION = hashlib.sha256(b"the shipped sample of customer-profiles").digest()


@pytest.fixture
def key_file(project):
    (project / "data").mkdir()
    return project / FILE


@pytest.fixture
def sample(project, request):
    """The shipped sample, copied into the project."""
    shipped = request.config.rootpath
    shutil.copytree(shipped / SAMPLE, project / SAMPLE)
    shutil.copy(shipped / SAMPLE_DIGEST, project / SAMPLE_DIGEST)
    return project / SAMPLE


def write(file, text, mode=0o600):
    file.write_bytes(text.encode())
    file.chmod(mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_key_is_made_for_its_owner_only(project, umask):
    before = os.umask(umask)
    try:
        open_key(PAGES, make=True)
    finally:
        os.umask(before)
    file = project / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]


def test_the_key_is_used_again(project):
    first = open_key(PAGES, make=True).fingerprint()
    made = (project / FILE).read_bytes()
    assert open_key(PAGES).fingerprint() == first
    assert (project / FILE).read_bytes() == made


def test_two_projects_do_not_get_the_same_key(project):
    first = open_key(PAGES, make=True).fingerprint()
    (project / FILE).unlink()
    assert open_key(PAGES, make=True).fingerprint() != first


# Eight processes, and forty projects that have no key until all eight ask for it at once.
AT_ONCE = """
import multiprocessing, os, sys
from customer_profiles.privacy.keys.key import open_key

def ask(barrier, answers):
    found = []
    for project in sys.argv[1:]:
        os.chdir(project)
        barrier.wait()
        found.append(open_key("pages", make=True).fingerprint())
    answers.put(found)

context = multiprocessing.get_context("fork")
barrier, answers = context.Barrier(8), context.Queue()
workers = [context.Process(target=ask, args=(barrier, answers), daemon=True) for _ in range(8)]
for worker in workers:
    worker.start()
for _ in workers:
    print(*answers.get(timeout=20))
"""


def test_many_that_need_the_first_key_at_once_get_the_same(project):
    projects = [project / str(number) for number in range(40)]
    for each in projects:
        (each / "data").mkdir(parents=True)
        (each / "dvc.yaml").touch()
    command = [sys.executable, "-c", AT_ONCE, *projects]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = set(done.stdout.splitlines())
    assert len(answers) == 1
    assert len(set(answers.pop().split())) == len(projects)
    assert {path.name for path in project.glob("*/data/*")} == {"secret.key"}


def test_a_key_is_made_only_where_it_is_asked_for(project):
    message = refusal(FileNotFoundError)
    assert "there is no key: CUSTOMER_PROFILES_KEY is not set, and there is no data/sec" in message
    assert list(project.iterdir()) == [project / "dvc.yaml"]


def test_whoever_gets_a_new_key_is_told_to_keep_a_copy(project, caplog):
    open_key(PAGES, make=True)
    assert "made a key, data/secret.key: keep a copy in a safe place" in caplog.text
    caplog.clear()
    open_key(PAGES, make=True)
    assert caplog.text == ""


def test_a_lost_key_is_missed_by_its_fingerprint_and_not_replaced(project):
    message = refusal(
        FileNotFoundError, lambda: reopen_key({"sample": False, "key": "0123456789abcdef"})
    )
    assert "CUSTOMER_PROFILES_KEY is not set, and there is no data/secret.key. The arch" in message
    assert "fingerprint 0123456789abcdef: restore that key in CUSTOMER_PROFILES_KEY or" in message
    assert "`dvc repro -f pull` to start anew" in message
    assert not (project / "data").exists()


def test_a_key_is_reopened_by_its_fingerprint(key_file):
    write(key_file, TEXT)
    fingerprint = Key(KEY).fingerprint()
    assert reopen_key({"sample": False, "key": fingerprint}).fingerprint() == fingerprint
    message = refusal(ValueError, lambda: reopen_key({"sample": False, "key": "0" * 16}))
    assert (
        f"the key is not the one the archive was pulled with: its fingerprint is {fingerprint}, "
        f"the manifest's {'0' * 16};" in message
    )


def test_a_new_key_takes_the_place_of_the_old_one(key_file):
    write(key_file, TEXT)
    assert keyfile.renew()
    assert open_key(PAGES).fingerprint() != Key(KEY).fingerprint()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def test_the_key_of_the_environment_is_not_renewed(key_file, monkeypatch):
    write(key_file, OTHER)
    monkeypatch.setenv(VARIABLE, TEXT)
    assert not keyfile.renew()
    assert key_file.read_text() == OTHER


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_a_pipe_or_a_link_is_no_key_file_and_stays(key_file, make):
    def opening():
        return open_key(PAGES, make=make)

    elsewhere = key_file.with_name("elsewhere")
    write(elsewhere, TEXT)
    for target in (elsewhere, key_file.with_name("nowhere")):
        key_file.symlink_to(target)
        assert "data/secret.key is a link; put the key itself" in refusal(ValueError, opening)
        key_file.unlink()
    key_file.mkdir(mode=0o700)
    assert "data/secret.key is no file" in refusal(ValueError, opening)
    key_file.rmdir()
    os.mkfifo(key_file, 0o600)
    assert "data/secret.key is no file" in refusal(ValueError, opening)
    assert not key_file.with_name("nowhere").exists()


# As root everything can be read, so another user looks at the file: in a process of its own.
AS_ANOTHER = """
import os, sys
from customer_profiles.privacy.keys.key import open_key

os.setegid(65534)
os.seteuid(int(sys.argv[1]))
try:
    open_key("pages")
except PermissionError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("owner", "reader", "message"),
    [
        (0, 65534, "data/secret.key cannot be read; run as its owner, who alone may"),
        (65534, 0, "data/secret.key belongs to user 65534, not to 0, who runs this"),
    ],
)
def test_a_key_of_another_user_is_refused(key_file, owner, reader, message):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    write(key_file, TEXT)
    os.chown(key_file, owner, owner)
    for folder in key_file.parents:
        if folder.stat().st_mode & 0o005 != 0o005:  # pytest's are its user's alone
            folder.chmod(0o755)
    command = [sys.executable, "-c", AS_ANOTHER, str(reader)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(message)


def test_an_empty_key_is_called_empty(key_file, monkeypatch):
    write(key_file, "\n")
    assert "the key in data/secret.key is empty; restore it" in refusal(ValueError)
    monkeypatch.setenv(VARIABLE, "")
    message = refusal(ValueError)
    assert "the key in CUSTOMER_PROFILES_KEY is empty; restore it, or unset" in message
    assert "CUSTOMER_PROFILES_KEY to use data/secret.key" in message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_that_others_can_touch_is_refused(key_file, mode):
    write(key_file, TEXT, mode)
    assert f"mode {mode:04o}); run: chmod 600 data/secret.key" in refusal(PermissionError)
    assert key_file.read_text() == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "short",
        TEXT[:-1],
        TEXT[:40],
        TEXT + TEXT,
        f"{TEXT}\n{OTHER}\n",
        f'"{TEXT}"',
        base64.b64encode(b"\xff" * 32).decode(),  # the other base64, with / for _
        TEXT.replace("=", "é"),
    ],
)
def test_a_malformed_key_is_refused_and_stays_as_it_is(key_file, monkeypatch, text):
    write(key_file, text)
    assert "the key in data/secret.key is not 32 bytes" in refusal(ValueError)
    assert key_file.read_bytes() == text.encode()
    monkeypatch.setenv(VARIABLE, text)
    assert f"the key in {VARIABLE} is not 32 bytes" in refusal(ValueError)


def test_white_space_around_a_key_is_none_of_it(key_file):
    write(key_file, f"{TEXT}\r\n")
    assert open_key(PAGES).fingerprint() == Key(KEY).fingerprint()


def test_the_environment_wins_over_the_file(key_file, monkeypatch):
    write(key_file, OTHER)
    monkeypatch.setenv(VARIABLE, TEXT)
    assert open_key(PAGES).fingerprint() == Key(KEY).fingerprint()
    assert key_file.read_text() == OTHER


def test_with_a_key_in_the_environment_no_file_is_made(project, monkeypatch):
    monkeypatch.setenv(VARIABLE, TEXT)
    open_key(PAGES)
    assert not (project / FILE).exists()


def test_the_sample_always_gets_the_demonstration_key(sample, project, monkeypatch):
    monkeypatch.setenv(VARIABLE, TEXT)
    key = open_key(SAMPLE)
    assert is_sample(SAMPLE)
    assert key.fingerprint() == Key(DEMONSTRATION).fingerprint()
    assert open_key(str(sample)).fingerprint() == key.fingerprint()
    assert not (project / FILE).exists()


def test_a_changed_byte_of_the_sample_gets_the_real_key(sample, project):
    page = min(sample.iterdir())
    content = bytearray(page.read_bytes())
    content[100] ^= 1
    page.write_bytes(content)
    assert not is_sample(SAMPLE)
    key = open_key(SAMPLE, make=True)
    assert key.fingerprint() != Key(DEMONSTRATION).fingerprint()
    assert (project / FILE).is_file()


@pytest.mark.parametrize("name", ["search-11.jsonl", ".hidden"])
def test_a_sample_with_one_more_file_gets_the_real_key(sample, name):
    (sample / name).touch()
    key = open_key(SAMPLE, make=True)
    assert key.fingerprint() != Key(DEMONSTRATION).fingerprint()


def test_the_sample_in_another_place_gets_the_real_key(sample, project):
    sample.rename(project / "data" / "pages")
    key = open_key("data/pages", make=True)
    assert key.fingerprint() != Key(DEMONSTRATION).fingerprint()


def test_the_demonstration_key_is_refused_for_anything_else(key_file, monkeypatch):
    public = base64.urlsafe_b64encode(DEMONSTRATION).decode()
    write(key_file, public)
    assert "data/secret.key holds the public demonstration key" in refusal(ValueError)
    monkeypatch.setenv(VARIABLE, public)
    assert f"{VARIABLE} holds the public demonstration key" in refusal(ValueError)
