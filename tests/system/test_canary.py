"""The whole pipeline on invented people, and the search for them in every byte it wrote.

What else writes (another command, another error) is one more `run.keep` beside those below.
"""

import json
import re
import shutil
import subprocess
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote

import pandas as pd
import pymongo
import pytest
import requests
from bson import json_util

from customer_profiles.collect.folder import PAGES
from customer_profiles.posts import pages
from customer_profiles.posts.formats import tally
from customer_profiles.privacy.keys.key import Key
from customer_profiles.privacy.sealing import OBSERVATIONS
from customer_profiles.publication.document import AVERAGES, CLUSTERS
from customer_profiles.segments import verdict
from customer_profiles.store import connection, schema
from tests.sentiment.tiny import list_wheels
from tests.system import canary, traces

pytestmark = pytest.mark.long

PRIVATE = ("assignments", "observations", "profiles")
EXACT = ("observations", "profiles")  # the operator's exports, unsealed
PREFERRED = CLUSTERS["properties"]["preferred"]["properties"]
# Whole numbers below ten that count nobody.
NOBODY = {
    ".pull.files", ".pull.reposts", ".pull.texts_cut", ".pull.formats.X API v2 pages",
    ".pull.files_left_out.ends too early or is damaged; copy it again",
    *(f".pull.left_out.{reason}" for reason in tally.WAYS_OUT),
    ".fetch.sets.validation.0", ".fetch.sets.validation.4",
    ".finetune.epochs", ".finetune.epochs_run", ".finetune.kept_epoch",
    *(f".sentiment.{of}{test}.{name}.{which}" for of in ("", "labelled.")
      for test in ("mcnemar", "mcnemar3") for name in ("tfidf", "vader")
      for which in ("only_this", "only_other")),
    *(f".sentiment.{name}.by_query.queries" for name in ("manual2", "manual3")),
    ".clusters.k", ".clusters.elbow", ".clusters.small",
    *(f".clusters.preferred.{name}" for name in verdict.TITLES), ".privacy.published.l_diversity",
    ".privacy.published.cells", ".privacy.published.cells_suppressed",
    ".answers.count", ".answers.results.id", ".answers.id", ".segments.segments.id",
    *(f"{place}.index.{name}.{number}" for place in (".segments.segments", ".answers.results",
      ".answers") for name in AVERAGES for number in ("index", "low", "high")),
    ".answers.clusters.k", ".answers.clusters.curves.k",
    *(f".answers.clusters.preferred.{name}" for name in PREFERRED),
    ".answers.results.segment", ".answers.results.segments", ".answers.published.cells",
    ".answers.published.cells_suppressed", ".answers.published.l_diversity",
}  # fmt: skip
ANSWERING = (
    "health/", "segments/", "segments/?page_size=1", "segments/?format=csv", "segments/0/",
    "segments/0/cells/", "segments/0/cells/?format=csv", "segments/0/brief/",
    "segments/0/brief/?format=md", "summary/", "mood/daily/", "mood/daily/?format=csv",
    "continuity/", "publications/", "privacy/",
)  # fmt: skip
PLACES = ("home", "tmp", "site", "logs", "answers", "exports", "mongo")
# Small and quick, but all of it: what is replaced in params.yaml.
SMALL = {
    r"(  sequence_length: )128": "32",
    r"(  k_max: )10": "3",
    r"(  draws: )50": "3",
    r"(  seeds: )10": "2",
    r"(  references: )20": "3",
    r"(  max_suppressed: )0.1": "0.5",  # so few people
    r"(  exclude_flagged: )true": "false",  # they nearly all say the same
    r"(  keywords: )\[\]": f"[{', '.join(canary.SAID)}]",
    r"(  scope: )recent": "all",
    r"(  start: )''": f"'{canary.MOMENTS[0]:%Y-%m-%d}'",
    r"(  budget: )5.0": "1000.0",
}


class Run:
    """A copy of the project with the canary's pages, all of whose writing lies in one folder."""

    def __init__(self, project, written):
        self.project, self.written = project, written
        self.codes, self.token = {}, ""

    def keep(self, name, *command, **environment):
        """Run `command`, keep what it prints as logs/`name`, and its exit code."""
        with (self.written / "logs" / name).open("wb") as log:
            ended = subprocess.run(
                command, cwd=self.project.root, stdout=log, stderr=log, check=False,
                env={**self.project.environment, **environment},
            )  # fmt: skip
        self.codes[name] = ended.returncode

    @property
    def audience(self):
        manifest = self.project.root / "data" / "raw" / "manifest.json"
        return json.loads(manifest.read_text())["audience"]

    def log_of(self, name):
        return (self.written / "logs" / name).read_text(errors="replace")


@pytest.fixture(scope="module")
def run(fresh, tiny_wheel, tmp_path_factory):
    """All that the project wrote, and was made to write by errors."""
    folder = tmp_path_factory.mktemp("canary")
    written = folder / "written"
    for name in PLACES:
        (written / name).mkdir(parents=True)
    canary.write_archive(folder / "pages")
    canary.write_training(folder / "training")
    canary.write_labelled(folder / "labelled")
    project = fresh.copy(written / "project")
    for name in (
        "tests",
        "src/customer_profiles/bench/loopback",
    ):  # which hold the marks themselves
        shutil.rmtree(project.root / name)
    run = Run(project, written)
    x = canary.X()
    outside = {r"(  wheel: )\S+": tiny_wheel, r"(  host: )\S+": x.address}
    for pattern, value in {**SMALL, **outside}.items():
        project.rewrite(pattern, rf"\g<1>{value}")
    list_wheels(project.root / "encoder.txt", tiny_wheel)
    given = {"fetch.source": "training", "fetch.labelled": "labelled", "pull.archive": "pages"}
    project.set(*(f"{name}={folder / place}" for name, place in given.items()))
    project.commit()
    with x, canary.mongod(written / "mongo") as address:
        password = canary.SECRETS["password"]
        uri = f"mongodb://keeper:{password}@{address}/?authSource=admin"
        project.environment |= {
            "HOME": str(written / "home"),
            "TMPDIR": str(written / "tmp"),
            "DVC_SITE_CACHE_DIR": str(written / "site"),
            "MONGODB_URI": uri,
            **{name: value for name, value in canary.SECRETS.items() if name.isupper()},
        }
        pipeline(run)
        asking(run, x)
        readers(run)
        with pymongo.MongoClient(uri) as client:
            api(run, client)
            failures(run)
            dump(run, client)
    return run


def together(*commands):
    """Call all `commands` at the same time: each alone would keep one processor busy."""
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(*command) for command in commands]:
            done.result()


def pipeline(run):
    """The nine stages, those side by side that need nothing of each other."""

    def repro(*stages):
        run.keep("repro " + stages[-1], "dvc", "--wait-for-lock", "repro", "-s", *stages)
        assert run.codes["repro " + stages[-1]] == 0, run.log_of("repro " + stages[-1])

    together((repro, "fetch", "pull"), (repro, "encoder"))
    repro("finetune", "evaluate", "score", "load", "cluster", "publish")


def asking(run, x):
    """What the commands write that ask X, also where X refuses."""
    collect = "customer-profiles", "collect"
    run.keep("collect", *collect)
    x.faults = ["token in the detail"]
    run.keep("refused search", *collect)
    run.keep("wrong key to collect", *collect, CUSTOMER_PROFILES_KEY=canary.handle(1))
    stream(run, x)
    run.keep("compliance", "customer-profiles", "comply", "--dry-run")


def stream(run, x):
    """Let it score what X streams, until it is told to end."""
    with (run.written / "logs" / "stream").open("wb") as log, subprocess.Popen(
        ["customer-profiles", "stream"],
        cwd=run.project.root, env=run.project.environment, stdout=log, stderr=log,
    ) as process:  # fmt: skip
        try:
            x.wait(1)
            x.stream()
            deadline = time.monotonic() + 60
            while f"scored {len(x.streamed)}" not in run.log_of("stream"):
                assert time.monotonic() < deadline, run.log_of("stream")
                time.sleep(0.05)
        finally:
            process.terminate()
    run.codes["stream"] = process.returncode


def readers(run):
    """What the commands write that read a finished run."""
    template = ".dvc/tmp/plots.html"
    exports = run.written / "exports"
    run.keep("plots template", "customer-profiles", "plots", template)
    plots = "--html-template", template, "--out", "data/reports/plots"
    run.keep("plots", "dvc", "plots", "show", *plots)
    run.keep("overview", "customer-profiles", "summary")
    for what in ("profiles", "clusters", "observations"):
        export = "store", "export", what, exports / f"{what}.csv"
        run.keep(f"export {what}", "customer-profiles", *export)
    run.keep("experiment", "dvc", "exp", "save", "--name", "canary")
    run.keep("Git objects", "git", "cat-file", "--batch-all-objects", "--batch")


def api(run, client):
    """Answers of every endpoint, to good requests and to bad ones that are full of marks."""
    token = run.project.call("customer-profiles", "token", "create", "canary")
    run.token = token.strip()
    run.keep("token list", "customer-profiles", "token", "list")
    with serving(run) as address:
        for path in ANSWERING:
            ask(run, address + path, run.token)
            ask(run, address + path, canary.identifier(1))
        marked = canary.handle(1), canary.identifier(1), quote(canary.ACCENTED)
        for mark in marked:
            ask(run, f"{address}profiles/{mark}/", run.token)
            for place in ("segments/{}/", "segments/{}/cells/", "segments/{}/brief/"):
                ask(run, address + place.format(mark), run.token)
            for name in ("page", "page_size", "format", mark):
                ask(run, f"{address}segments/?{name}={mark}", run.token)
            ask(run, f"{address}summary/?author={mark}", mark)
        ask(run, f"{address}summary/", canary.SECRETS["X_BEARER_TOKEN"])
        ask(run, f"{address}health/", run.token, Host=canary.handle(1))
        published = client[run.audience].published
        kept = published.find_one()
        broken = {"$set": {"segments": [{}]}}
        published.update_one({}, broken, bypass_document_validation=True)
        ask(run, f"{address}segments/{canary.identifier(1)}/", run.token)
        published.replace_one({}, kept)


@contextmanager
def serving(run):
    """Address of the project's own API, of which the log is kept."""
    with (run.written / "logs" / "api").open("wb") as log, subprocess.Popen(
        ["customer-profiles", "serve", "--port", "0"],
        cwd=run.project.root, env=run.project.environment, stdout=log, stderr=log,
    ) as process:  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not (heard := re.search(r"http://[\d.:]+/api/v1/", run.log_of("api"))):
                assert time.monotonic() < deadline, run.log_of("api")
                time.sleep(0.05)
            yield heard[0]
        finally:
            process.terminate()


def ask(run, url, token, **headers):
    """Keep the answer, with its headers, as answers/NUMBER-STATUS."""
    headers |= {"Authorization": f"Bearer {token}"}
    answer = requests.get(url, headers=headers, timeout=30)
    number = len(list((run.written / "answers").iterdir()))
    kept = run.written / "answers" / f"{number:02d}-{answer.status_code}"
    kept.write_bytes(repr(answer.headers).encode() + b"\n\n" + answer.content)


def failures(run):
    """Stages that stop while they hold marks, and a database that cannot be used."""
    stage = "customer-profiles", "run"
    data = run.project.root / "data"
    observations = data / "processed" / "observations.parquet"
    kept, key = observations.read_bytes(), Key(canary.KEY)
    refused = OBSERVATIONS.unseal(pd.read_parquet(observations), key)
    refused.loc[0, ["_id", "author"]] = canary.identifier(canary.POST), canary.handle(0)
    OBSERVATIONS.seal(refused, key).to_parquet(observations)
    (data / "models" / "sentiment" / "saved_model.pb").write_bytes(b"broken")
    uri = run.project.environment["MONGODB_URI"]
    export = "customer-profiles", "store", "export", "profiles", "profiles.csv"

    def keep(name, *command, **environment):
        return lambda: run.keep(name, *command, **environment)

    together(
        [keep("wrong key", *stage, "pull", CUSTOMER_PROFILES_KEY=canary.handle(1))],
        [keep("broken model", *stage, "score")],
        [keep("refused row", *stage, "load")],
        [keep("wrong password", *export, MONGODB_URI=uri.replace("@", "x@"))],
        [keep("broken address", *export, MONGODB_URI=uri.replace("@", "/@"))],
    )
    observations.write_bytes(kept)


def dump(run, client):
    """Every collection as text, and the journal before the server empties it."""
    of_stream = Key(canary.KEY).audience(PAGES)
    for kind, audience in (("", run.audience), ("streamed ", of_stream)):
        for name in client[audience].list_collection_names():
            rows = json_util.dumps(client[audience][name].find())
            (run.written / "exports" / f"{kind}{name}.json").write_text(rows)
    client.admin.command("fsync")
    shutil.copytree(run.written / "mongo" / "db" / "journal", run.written / "mongo" / "journal")


def test_everything_on_the_pages_carries_a_mark_but_what_says_nothing():
    """So that to search for the marks is to search for every id, name, text, count and moment."""
    values = {str(value) for value in leaves(canary.pages())}
    assert {value for value in values if not traces.marks_in(value.encode())} == {
        "True", "False", "2", "20", "60", "en", "none", "blue", "business", "replied_to", "Point",
        "author_id",
    }  # fmt: skip


def leaves(value):
    return [leaf for _, leaf in named_leaves(value)]


def named_leaves(value, name=""):
    """Dotted name and value of all that a JSON value holds; in a list, the list's name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from named_leaves(item, f"{name}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from named_leaves(item, name)
    else:
        yield name, value


def test_the_run_went_well_and_every_error_was_one(run):
    failed = {"wrong key", "broken model", "refused row", "wrong password", "broken address",
              "refused search", "wrong key to collect"}  # fmt: skip
    assert {name for name, code in run.codes.items() if code} == failed
    assert "fields: _id, author" in run.log_of("refused row")
    assert "Traceback" in run.log_of("api")
    statuses = Counter(path.name[-3:] for path in (run.written / "answers").iterdir())
    assert statuses == {"200": 16, "400": 9, "401": 18, "404": 16, "500": 1}


def test_x_was_asked_and_what_it_gave_was_kept_and_scored(run):
    assert (run.project.root / "data/collect/spend.json").exists()
    rows = json.loads((run.written / "exports" / "streamed observations.json").read_text())
    assert len(rows) == len(canary.X.streamed)
    assert "broken lines 1" in run.log_of("stream")
    assert "X says" in run.log_of("refused search")


def test_nothing_that_was_written_holds_a_trace_but_exact_counts_where_rows_are_exported(run):
    exports = run.written / "exports"
    exact = {str(exports / f"{what}.csv"): {"count, plain"} for what in EXACT}
    assert traces.search(run.written) == exact


def test_the_search_saw_all_kinds_of_files(run):
    names = [path.relative_to(run.written).as_posix() for path in traces.files(run.written)]
    for pattern in (
        "project/data/reports/notebooks/09_publish_segments.ipynb",
        r"project/data/reports/notebooks/06_score_tweets\.failed\.ipynb",
        r"project/data/reports/segments\.html", r"project/data/reports/plots/index\.html",
        "project/.dvc/cache/files/md5/.*", "project/.dvc/cache/runs/.*", "project/.dvc/tmp/.*",
        "project/.git/objects/.*", r"project/mlruns/mlflow\.db", r"project/mlruns/artifacts/.*png",
        r"exports/observations\.csv", r"exports/api_tokens\.json", "site/.*", "home/.*",
        r"mongo/db/collection-.*\.wt", "mongo/journal/.*", r"mongo/mongod\.log",
    ):  # fmt: skip
        assert [name for name in names if re.fullmatch(pattern, name)], pattern
    assert "refs/exps" in run.project.call("git", "for-each-ref")
    assert run.log_of("Git objects").count("data/processed/observations.parquet") >= 1


def test_the_database_can_be_searched_as_it_lies_on_the_disk(run):
    one = pd.read_csv(run.written / "exports" / "observations.csv")["_id"][7].encode()
    holding = [path for path in traces.files(run.written / "mongo") if one in path.read_bytes()]
    kinds = {path.relative_to(run.written / "mongo").parts[0] for path in holding}
    assert {"db", "journal"} <= kinds  # and the log, where every command is in it


def test_the_token_is_nowhere_but_where_it_was_printed(run):
    for path in traces.files(run.written):
        assert run.token.encode() not in path.read_bytes(), path


def test_no_pseudonym_is_where_anybody_may_read(run):
    rows = pd.read_csv(run.written / "exports" / "observations.csv")
    streamed = json.loads((run.written / "exports" / "streamed observations.json").read_text())
    pseudonyms = {*rows["_id"], *rows["author"], *(row["_id"] for row in streamed)}
    private = {run.project.root / "data" / "processed" / f"{name}.parquet" for name in PRIVATE}
    read = 0
    for place in ("project", "home", "tmp", "site", "logs", "answers"):
        for path in set(traces.files(run.written / place)) - private:
            content = path.read_bytes()
            for _, part in traces.unpacked(content):
                words = {word.decode() for word in re.findall(rb"[0-9a-f]{32}", part)}
                assert not words & pseudonyms, path
                read += 1
    assert read > 500


@pytest.mark.parametrize(
    "name", ["train", "validation", "test", "labelled_train", "labelled_validation"]
)
def test_of_training_rows_label_text_and_topic_are_kept_without_handles(run, name):
    table = run.project.root / "data" / "processed" / "sentiment140" / f"{name}.parquet"
    rows = pd.read_parquet(table)
    assert set(rows.columns) == {"label", "text"} | ({"query"} if name == "test" else set())
    assert rows["text"].str.fullmatch(r"@user .*, row \d+ of .* RT @user:").all()


def test_people_fewer_than_ten_are_counted_nowhere(run):
    data = run.project.root / "data"
    files = [data / "raw" / "manifest.json", *(data / "reports").glob("*.json")]
    published = {path.stem: json.loads(path.read_text()) for path in files}
    answers = [path.read_text().split("\n\n", 1) for path in (run.written / "answers").iterdir()]
    published["answers"] = [json.loads(body) for headers, body in answers if "json'" in headers]
    small = {
        name
        for name, value in named_leaves(published)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10
    }
    assert small - NOBODY == set()
    # There were such people.
    profiles = pd.read_csv(run.written / "exports" / "profiles.csv")
    assert 0 < profiles["verified"].sum() < 10
    assert 0 < profiles["protected"].sum() < 10
    assert published["pull"]["authors_without_metrics"] == "<10"
    clusters = pd.read_csv(run.written / "exports" / "clusters.csv")
    assert set(clusters["no_verified"]) | set(clusters["no_protected"]) <= {"0", "<10"}


@pytest.mark.parametrize("what", canary.damaged())
def test_a_refusal_of_pages_names_no_one(what):
    lines = [canary.damaged()[what], json.dumps({"data": [], "includes": {"users": []}})]
    account = tally.Tally()
    with pytest.raises(ValueError, match=r"there are no posts|none of") as caught:
        pages.collect(pages.parse_lines(map(str.encode, lines), account), account)
    assert traces.marks_in("".join(traceback.format_exception(caught.value)).encode()) == set()


def test_a_slow_operation_leaves_no_document_in_the_log_of_the_embedded_server(
    project, observe, load
):
    rows = observe(*({"author": f"author {n}"} for n in range(30)))
    with connection.database("slow") as database:
        assert database.client.admin.command("profile", 0, slowms=-1)["sampleRate"] == 0
        schema.prepare(database)
        for polarity in (0.3, 0.4):
            load(database, rows.assign(polarity=polarity))
    log = (project / connection.FOLDER / "mongod.log").read_text()
    assert "Waiting for connections" in log
    assert not set(re.findall("[0-9a-f]{32}", log)) & {*rows["_id"], *rows["author"]}
