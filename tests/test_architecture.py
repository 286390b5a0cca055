"""Who may import whom, that an import does nothing, and that dvc.yaml lists what a stage uses."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from customer_profiles import params, run_notebook

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "customer_profiles"
NAME = "customer_profiles"

# Know no file and no socket, and import nobody but each other.
PURE = (
    "aggregates", "agreement", "answer", "attacks", "averages", "baselines", "batching", "briefs",
    "calibration",
    "centroids", "certificate", "clustering", "continuity", "decision", "drawing", "evaluation",
    "evidence", "figures", "flow", "generalisation", "heavy_tails", "hyperparameters", "inquiry",
    "layers", "microdata",
    "null_model", "observations", "pages", "personas", "privacy", "publication", "query",
    "redaction", "sample_campaigns", "sample_pages", "sample_personas", "segments",
    "sentiment_figures", "shares", "slices", "spam", "text", "verdict", "words",
)  # fmt: skip
EVERYBODY = ("",)
# Each library and the modules that may import it; a package stands for all of its modules.
OWNERS = {
    "tensorflow": (
        "bert",
        "backup",
        "bench",
        "encoder",
        "precision",
        "scoring",
        "sentiment",
        "training",
    ),
    "tensorflow_hub": ("encoder",),
    "tensorflow_text": ("encoder",),
    "tf_keras": ("backup", "bench", "sentiment", "training"),
    "keras": ("encoder",),
    "keras_hub": ("encoder",),
    "mlflow": ("artifacts", "tracking", "registered_model"),
    "papermill": ("run_notebook",),
    "nbformat": ("run_notebook",),
    "tweepy": ("x_api",),
    # The store lends the API an open database. Whoever asks it something has to know the driver's
    # errors, lest they repeat an address with its password, and its time limit for one question.
    "pymongo": ("store", "api.connection", "api.__main__"),
    "pymongoarrow": ("store",),
    "pyarrow": ("store",),
    "django": ("api",),
    "rest_framework": ("api",),
    "drf_spectacular": ("api",),
    "waitress": ("api",),
    "cryptography": ("keyfile", "vault"),
    "textblob": ("subjectivity",),
    "vaderSentiment": ("subjectivity",),
    "matplotlib": ("drawing", "figures", "flow", "sentiment_figures"),
    "vl_convert": ("plots",),
    "requests": ("download", "x_api"),
    "urllib3": ("x_api",),  # below requests: the sockets that a slow answer has to be cut off from
    "yaml": ("download",),
    "ruamel": ("params",),
    "scipy": PURE,
    "sklearn": (*PURE, "bench", "finetuning"),
    "kneed": PURE,
    "pycanon": PURE,
    "threadpoolctl": PURE,
    "tqdm": EVERYBODY,
    "numpy": EVERYBODY,
    "pandas": EVERYBODY,
}
FILES = ("os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib")
READ_OR_WRITTEN = r"open|read_\w+|write_\w+|to_(csv|feather|hdf|json|parquet|pickle|sql)"
# Where things lie and how they are written: for everybody who is not pure.
FOUNDATION = ("outputs", "params", "paths")
# Whoever owns something may import the pure ones, the foundation, and of the others these alone.
# A module that stands nowhere here is one where the others meet; no other may import it.
ALSO = {
    "api": ("page", "store"),
    "archive": (),
    "backup": ("encoder",),
    "artifacts": (),
    "backlog": ("collected", "durable"),
    "budget": ("spending",),
    "checkpoint": ("durable",),
    "collected": ("checkpoint", "durable"),
    "download": (),
    "durable": (),
    "bert": (),
    "encoder": ("bert",),
    "interruption": (),
    "keyfile": (),
    "outputs": (),
    "page": (),
    "params": (),
    "paths": (),
    "plots": (),
    "precision": ("encoder",),
    "provenance": (),
    "registered_model": ("scoring",),  # the model as MLflow opens it: the two have to meet
    "report": ("page",),  # one page, served and as a file
    "run_notebook": (),
    "scoring": ("encoder", "precision"),
    "sentiment": ("encoder",),
    "sentiment140": (),
    "spending": ("durable",),
    "store": ("tombstones", "vault"),
    # The command line of what is held: erasing has to reach pages and files as well.
    "store.__main__": ("erasure", "rotation"),
    "subjectivity": (),
    "tables": (),
    "tombstones": (),
    "tracking": ("artifacts", "provenance"),
    "training": ("backup", "encoder", "precision", "sentiment"),
    "vault": ("keyfile",),
    "x_api": ("vault",),
}
HEAVY = {"tensorflow", "tf_keras", "mlflow"}
# What a stage reads of src without importing it.
READ = {"finetune": {"registered_model"}}
PRIVATE = ("observations", "profiles", "assignments")


def module_name(file):
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in MODULES.items()}


def imports(tree):
    """What is imported, wherever in a module: pairs of a module and the members taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed here"
            yield node.module, [alias.name for alias in node.names]


def imported(tree):
    """Dotted names of what is imported, members too: some of them are modules."""
    return {
        name
        for module, members in imports(tree)
        for name in (module, *(f"{module}.{member}" for member in members))
    }


def own(tree):
    """Modules of the package that are imported, each package's __init__ on the way to them."""
    inside = {name.removeprefix(NAME + ".") for name in imported(tree) if name.startswith(NAME)}
    above = {name.rpartition(".")[0] for name in inside}
    return (inside | above) & set(MODULES) - {""}


def libraries(tree):
    """Names of the other packages that are imported, without Python's own."""
    return {name.split(".")[0] for name in imported(tree)} - {NAME} - sys.stdlib_module_names


def reached(names):
    """Modules that importing `names` imports in the end."""
    found, todo = set(), set(names)
    while todo:
        found |= todo
        todo = {other for name in todo for other in own(TREES[name])} - found
    return found


def is_part(name, places):
    return any(place in ("", name) or name.startswith(place + ".") for place in places)


def trespasses(rule):
    return {name: bad for name, tree in TREES.items() if (bad := sorted(rule(name, tree)))}


@pytest.fixture(scope="module")
def stages():
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


@pytest.fixture(scope="module")
def values():
    return params.load(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def committed():
    """The files that Git holds or would take, by their path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    names = [name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]
    assert "dvc.yaml" in names
    return {name: (ROOT / name).read_bytes() for name in names}


def notebook_imports(stage):
    (file,) = (ROOT / "notebooks").glob(f"{run_notebook.STAGES.index(stage) + 1:02d}_*.ipynb")
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return own(ast.parse(code))


def test_every_library_is_imported_by_its_owners_alone():
    def foreign(name, tree):
        return {lib for lib in libraries(tree) if not is_part(name, OWNERS.get(lib, ()))}

    assert trespasses(foreign) == {}


def test_a_pure_module_imports_only_pure_ones():
    assert trespasses(lambda name, tree: own(tree) - set(PURE) if name in PURE else ()) == {}


def test_a_pure_module_knows_no_file_and_no_socket():
    def touches(name, tree):
        if name not in PURE:
            return ()
        called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        calls = {call for call in called if re.fullmatch(READ_OR_WRITTEN, call.split(".")[-1])}
        return {name.split(".")[0] for name in imported(tree)} & set(FILES) | calls

    assert trespasses(touches) == {}


def test_an_owner_imports_pure_modules_and_the_foundation_and_few_others():
    def others(name, tree):
        top = name.split(".")[0]
        also = ALSO.get(name, ALSO.get(top))
        if also is None:
            return ()
        return {o for o in own(tree) if not is_part(o, (top, *PURE, *FOUNDATION, *also))}

    assert trespasses(others) == {}


def test_the_api_starts_without_the_heavy_libraries():
    modules = reached(name for name in MODULES if is_part(name, ("api",)))
    used = set().union(*(libraries(TREES[name]) for name in modules))
    assert {"django", "pymongo"} <= used
    assert used & (HEAVY | {"tweepy", "papermill", "sklearn", "matplotlib"}) == set()


def test_no_module_looks_for_the_project_where_the_package_lies():
    # In `dvc exp run --temp` that is another checkout. A neighbour in the package may be found so.
    def uses(name, tree):
        text = re.sub(r"Path\(__file__\)\.with_name\('[\w.]+'\)", "neighbour", ast.unparse(tree))
        return {"__file__"} & {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}

    assert trespasses(uses) == {}


def test_the_top_of_a_module_calls_nothing():
    # These have to stand before or behind an import to be of any use.
    allowed = ("os.environ.setdefault", "mlflow.models.set_model", "warnings.filterwarnings")

    def calls(name, tree):
        return {
            ast.unparse(node.value.func)
            for statement in tree.body
            if not isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.If)
            for node in ast.walk(statement)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        } - set(allowed)

    assert trespasses(calls) == {}


# Libraries may do at their first import what they like: they are imported before we watch.
WATCH = """\
import importlib, json, logging, os, sys

libraries, modules = json.loads(sys.argv[1])
for name in libraries:
    importlib.import_module(name)
done, watched = [], ("shutil", "socket", "sqlite3", "subprocess", "tempfile")

def hook(event, arguments):
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    changes = event in ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink")
    if writes or changes or event.split(".")[0] in watched:
        done.append(f"{event} {arguments[:2]}")

sys.dont_write_bytecode = True
sys.addaudithook(hook)
before = logging.root.level, list(logging.root.handlers)
found = {}
for name in modules:
    importlib.import_module(name)
    if (logging.root.level, logging.root.handlers) != before or logging.getLogger(name).handlers:
        done.append("logging")
    if done:
        found[name] = done[:]
        done.clear()
print(json.dumps(found))
"""


def done_on_import(folder, libraries, modules):
    """What importing each of `modules` in `folder` does, by its name."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": f"{NAME}.api.settings"}
    told = subprocess.run(
        [sys.executable, "-c", WATCH, json.dumps([libraries, modules])],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_importing_a_module_writes_no_file_opens_no_socket_and_configures_no_logging(tmp_path):
    light = [
        name
        for name in MODULES
        if not HEAVY & set().union(*(libraries(TREES[other]) for other in reached([name])))
    ]
    assert {"api.views", "run_notebook", "store.server", "vault"} <= set(light)
    needed = {
        module
        for name in light
        for module, _ in imports(TREES[name])
        if module.split(".")[0] != NAME
    }
    modules = [f"{NAME}.{name}".rstrip(".") for name in light]
    assert done_on_import(tmp_path, sorted(needed), modules) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        ("open", "import pathlib; pathlib.Path('made').write_text('')"),
        ("os.mkdir", "import pathlib; pathlib.Path('made').mkdir()"),
        ("socket.__new__", "import socket; socket.socket()"),
        ("subprocess.Popen", "import subprocess; subprocess.run(['true'])"),
        ("logging", "import logging; logging.basicConfig()"),
        (
            "logging",
            "import logging; logging.getLogger(__name__).addHandler(logging.NullHandler())",
        ),
    ],
)
def test_a_module_that_does_something_on_import_would_be_noticed(tmp_path, seen, line):
    (tmp_path / "eager.py").write_text(line)
    (tmp_path / "calm.py").write_text("import json\nVALUE = json.loads('1')\n")
    found = done_on_import(tmp_path, [], ["calm", "eager"])
    assert list(found) == ["eager"]
    assert found["eager"][0].startswith(seen)


@pytest.mark.parametrize("stage", run_notebook.STAGES)
def test_a_stage_depends_on_every_module_its_notebook_reaches_and_on_no_other(stage, stages):
    # The package's own __init__ is reached by all and listed by none: it holds nothing.
    assert len(TREES[""].body) == 1
    read = READ.get(stage, set())
    modules = reached(notebook_imports(stage) | read & set(MODULES))
    needed = {name.split(".")[0] for name in modules} | read
    folder = PACKAGE.relative_to(ROOT).as_posix() + "/"
    listed = {dep.removeprefix(folder) for dep in stages[stage]["deps"] if dep.startswith("src")}
    assert listed == {
        name if "." in name or (PACKAGE / name).is_dir() else f"{name}.py" for name in needed
    }


def test_stages_are_the_same_in_the_pipeline_the_runner_the_parameters_and_the_notebooks(
    stages, values
):
    assert tuple(stages) == run_notebook.STAGES
    others = ("profile", "shared", "collect", *params.PROFILES)
    sections = [name for name in values if name not in others]
    assert tuple(sections) == run_notebook.STAGES
    for place, stage in enumerate(run_notebook.STAGES, 1):
        (file,) = (ROOT / "notebooks").glob(f"{place:02d}_*.ipynb")
        assert stages[stage]["cmd"] == f"python -m {NAME}.run_notebook {stage}"
        assert f"notebooks/{file.name}" in stages[stage]["deps"]
        assert f"{run_notebook.EXECUTED}/{file.name}" in stages[stage]["outs"]


def test_a_stage_watches_its_section_what_profiles_change_in_it_and_the_shared_values_it_uses(
    stages, values
):
    changed = {name for profile in params.PROFILES for name in values[profile]}
    for stage, held in stages.items():
        (file,) = (ROOT / "notebooks").glob(f"{run_notebook.STAGES.index(stage) + 1:02d}_*.ipynb")
        text = file.read_text(encoding="utf-8")
        expected = [stage]
        expected += ["${profile}." + stage] if stage in changed else []
        expected += ["shared"] if any(f"{name} = " in text for name in values["shared"]) else []
        assert held["params"] == expected


def test_every_profile_overrides_the_same_sections(values):
    # DVC refuses `${profile}.encoder` where the chosen profile has no such block.
    assert {tuple(values[profile]) for profile in params.PROFILES} == {tuple(values["quick"])}


def test_no_profile_overrides_a_path_that_dvc_takes_from_the_section(values):
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    templated = set(re.findall(r"\$\{([\w.]+)\}", text)) - {"profile"}
    assert templated == {"fetch.source", "pull.archive"}
    for profile in params.PROFILES:
        for section, own_values in values[profile].items():
            assert {f"{section}.{name}" for name in own_values or ()} & templated == set()


def test_dvc_never_caches_what_is_about_single_people(stages):
    kept = {}
    for stage in stages.values():
        for out in stage["outs"]:
            ((path, options),) = out.items() if isinstance(out, dict) else ((out, {}),)
            kept[path] = options
    for name in PRIVATE:
        assert kept[f"data/processed/{name}.parquet"] == {"cache": False, "persist": True}
    assert [path for path in kept if path.endswith(".parquet")] == [
        f"data/processed/{name}.parquet" for name in PRIVATE
    ]


# Written so that this file does not hold what it looks for.
@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(?<!\w)/(?:home|Users)/\w|/[r]oot/", id="home folder"),
        pytest.param(r"/[w]ork/|[.]{2}/shared", id="folder of one machine"),
        pytest.param(r"(?<![\w-])--(?:extra-)?[i]ndex-url|--[f]ind-links", id="package source"),
        pytest.param(r"[p]ythonhosted|https?://[^\s\"'<>]*/[s]imple(?![\w-])", id="package index"),
    ],
)
def test_no_committed_file_names_a_place_of_one_machine(committed, pattern):
    found = {
        name: match[0]
        for name, content in committed.items()
        if (match := re.search(pattern, content.decode("latin-1")))
    }
    assert found == {}
