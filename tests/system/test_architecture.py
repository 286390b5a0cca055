"""The law of the house: what each room may import, and what dvc.yaml lists of them."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from customer_profiles.pipeline import run_notebook
from customer_profiles.project import params

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "customer_profiles"
NAME = "customer_profiles"

# Each room, and the rooms that it may import. A room is a folder; `privacy/keys` is not `privacy`.
MAY_IMPORT = {
    "project": "",
    "pipeline": "project pipeline/tracking posts segments publication sentiment/data "
    "sentiment/model sentiment/model/pretrained sentiment/training sentiment/rating "
    "sentiment/evaluation",
    "pipeline/tracking": "project",
    "sentiment/data": "project sentiment/model",
    "sentiment/model": "project sentiment/model/pretrained",
    "sentiment/model/pretrained": "project",
    "sentiment/training": "project sentiment/model",
    "sentiment/rating": "project sentiment/model",
    "sentiment/evaluation": "project sentiment/data sentiment/model sentiment/training "
    "sentiment/rating",
    "posts": "project privacy posts/formats",
    "posts/formats": "project",
    "privacy": "project",
    "privacy/keys": "project",
    "segments": "project privacy",
    "publication": "project privacy publication/page",
    "publication/page": "project",
    "store": "project privacy privacy/keys posts publication",
    "collect": "project privacy/keys collect/x_api",
    "collect/x_api": "",
    "collect/stream": "project privacy/keys posts sentiment/model sentiment/rating store collect "
    "collect/x_api",
    "erasure": "project privacy privacy/keys posts posts/formats publication store collect "
    "collect/x_api",
    "api": "project publication publication/page store",
    "sample": "project",
    "bench": "*",
    "bench/loopback": "collect/x_api",
    "commands": "*",
}
# The rooms that hold no module of their own.
HALLS = {"sentiment"}
# Nobody imports these, but for the command and the benchmarks.
LAST = {"pipeline", "erasure", "api", "collect/stream", "sample"}
# Touch no file and no socket; of some rooms all modules but these.
PURE = {
    "privacy": (),
    "segments": ("comparison",),
    "sentiment/evaluation": (),
    "publication": ("report", "standing"),
    "posts": ("archive", "places"),
    "posts/formats": ("containers", "rewriting"),
}
PURE_ROOMS = " ".join(PURE)
# What of the rooms below them they may not import: these read and write.
WRITERS = ("project.files", "project.params", "project.paths")
# Each library, and the rooms or modules that may import it; a room stands for its modules.
MAY_USE = {
    "tensorflow": "sentiment/model/backend",
    "tensorflow_hub": "sentiment/model/backend",
    "tensorflow_text": "sentiment/model/backend",
    "tf_keras": "sentiment/model/backend",
    "safetensors": "sentiment/model/pretrained",
    "psutil": "sentiment/model/pretrained",
    "mlflow": "pipeline/tracking sentiment/model/mlflow_model",
    "papermill": "pipeline",
    "nbformat": "pipeline",
    "vl_convert": "pipeline",
    "typer": "commands",
    "tweepy": "collect/x_api",
    "requests": "collect/x_api sentiment/data",
    "urllib3": "collect/x_api",  # below requests: the sockets that a slow answer is cut off from
    "yaml": "sentiment/data",
    "ruamel": "project",
    "pydantic": "project collect",
    "pydantic_core": "project",
    "pooch": "sentiment/data",
    "tenacity": "collect/x_api store sentiment/data",
    # The API asks an open database, and must know the driver's errors, which repeat addresses.
    "pymongo": "store api/connection",
    "pyarrow": "store",
    "orjson": "posts/formats",
    "msgspec": "posts/formats",
    "django": "api",
    "rest_framework": "api",
    "drf_spectacular": "api",
    "waitress": "api",
    "cryptography": "privacy/keys",
    "textblob": "sentiment/rating",
    "vaderSentiment": "sentiment/rating",
    "matplotlib": "project/charts segments/figures sentiment/data/figures publication/figures "
    "sentiment/evaluation/figures sentiment/training/figures posts/figures",
    "scipy": f"{PURE_ROOMS} sentiment/data/near_copies sentiment/training sentiment/rating",
    "sklearn": f"{PURE_ROOMS} sentiment/training sentiment/rating bench",
    "kneed": "segments",
    "threadpoolctl": "segments",
    "py3langid": "posts/languages",
    "tqdm": "*",
    "numpy": "*",
    "pandas": "*",
}
FILES = ("os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib")
READ_OR_WRITTEN = r"open|read_\w+|write_\w+|to_(csv|feather|hdf|json|parquet|pickle|sql)"
MOST_MODULES = 12
MORE_MODULES = {"store": 15}
HEAVY = {"tensorflow", "tf_keras", "mlflow"}
PRIVATE = ("observations", "profiles", "assignments")


def module_name(file):
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
ROOMS = {*MAY_IMPORT, *HALLS}
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


def defined(tree):
    """Names of functions, classes, parameters, variables and attributes that a module defines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def reached(names):
    """Modules that importing `names` imports in the end."""
    names_reached, todo = set(), set(names)
    while todo:
        names_reached |= todo
        todo = {other for name in todo for other in own(TREES[name])} - names_reached
    return names_reached


def room_of(name):
    """The innermost room that the module `name` ("privacy.keys.key") lies in."""
    path = name.replace(".", "/")
    return max((r for r in ROOMS if path == r or path.startswith(f"{r}/")), key=len, default="")


def lies_in(name, places):
    """Whether the module `name` is one of `places`, rooms or modules, or lies in one of them."""
    path = name.replace(".", "/")
    return any(place in ("*", path) or path.startswith(f"{place}/") for place in places.split())


def is_pure(name):
    room, _, last = name.replace(".", "/").rpartition("/")
    return room in PURE and last not in PURE[room]


def trespasses(rule):
    return {name: bad for name, tree in TREES.items() if (bad := sorted(rule(name, tree)))}


@pytest.fixture(scope="module")
def stages():
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


@pytest.fixture(scope="module")
def values():
    return params.read(ROOT / "params.yaml")


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


def notebook_tree(stage):
    (file,) = (ROOT / "notebooks").glob(f"{run_notebook.STAGES.index(stage) + 1:02d}_*.ipynb")
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ast.parse(
        "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    )


def notebook_imports(stage):
    return own(notebook_tree(stage))


def test_the_package_shows_rooms_alone_and_each_holds_few_modules():
    # A folder of a former version may be left behind with nothing but what Python compiled.
    top = {file.relative_to(PACKAGE).parts[0] for file in MODULES.values()} - {"__init__.py"}
    assert top == {room.split("/")[0] for room in ROOMS}
    assert len(top) <= 14
    for room in {*MAY_IMPORT, *HALLS}:
        modules = [file for file in (PACKAGE / room).glob("*.py") if file.name != "__init__.py"]
        assert len(modules) <= MORE_MODULES.get(room, MOST_MODULES), room
        assert bool(modules) != (room in HALLS), room
    assert {room_of(name) for name in MODULES} == {"", *ROOMS}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_says_in_three_lines_what_it_holds_and_may_import_and_holds_no_code(room):
    tree = TREES[room.replace("/", ".")]
    assert len(tree.body) == 1
    _, imports, _ = (line for line in ast.get_docstring(tree).splitlines() if line)
    if room in HALLS:
        return
    named = re.match(r"Imports ([^.;]+)[.;]", imports)[1]
    whole_hall = [name for name in MAY_IMPORT if name.startswith("sentiment/")]
    named = named.replace("all of sentiment", ", ".join(whole_hall))
    every = {"any room": "*", "no other room": ""}
    rooms = every.get(named, " ".join(re.split(r", | and ", named))).split()
    folder = ""
    for place, name in enumerate(rooms):  # "privacy, /keys": the folder is named once
        folder = name.partition("/")[0] or folder
        rooms[place] = folder + name if name.startswith("/") else name
    assert set(rooms) == set(MAY_IMPORT[room].split())


def test_no_module_docstring_begins_with_a_question_word():
    questions = {"What", "Who", "How", "Where", "Whether", "Which"}
    first = {name: ast.get_docstring(tree).split()[0] for name, tree in TREES.items()}
    assert [name for name, word in first.items() if word in questions] == []


def test_no_name_fits_just_any_value():
    vague = {"found", "held", "told", "shown", "said", "gone"}
    assert trespasses(lambda _, tree: vague & {name.strip("_") for name in defined(tree)}) == {}


def test_a_room_imports_only_the_rooms_that_it_may():
    def others(name, tree):
        room = room_of(name)
        may = MAY_IMPORT.get(room, "").split()
        seen = {room_of(other) for other in own(tree) if TREES[other].body[1:]}
        return {other for other in seen if other != room and not {"*", other} & set(may)}

    assert trespasses(others) == {}


def test_the_rooms_in_which_others_meet_are_imported_by_nobody():
    def last(name, tree):
        room = room_of(name)
        forbidden = {r for r in LAST if r != room} if room not in ("bench", "commands") else set()
        forbidden |= (
            {"bench", "commands"}
            - {room.split("/")[0]}
            - ({"bench"} if room == "commands" else set())
        )
        return {room_of(other) for other in own(tree) if TREES[other].body[1:]} & forbidden

    assert trespasses(last) == {}


def test_rooms_import_each_other_in_one_direction():
    below = {room: set(may.split()) - {"*"} for room, may in MAY_IMPORT.items()}
    while free := {room for room, rooms in below.items() if not rooms & set(below)}:
        below = {room: rooms for room, rooms in below.items() if room not in free}
    assert below == {}


def test_every_library_is_imported_by_its_owners_alone():
    def foreign(name, tree):
        return {lib for lib in libraries(tree) if not lies_in(name, MAY_USE.get(lib, ""))}

    assert trespasses(foreign) == {}


def test_one_module_syncs_moves_and_locks_files():
    # The locks of the embedded server are shared by its users, and mongod inherits one.
    owners = {"project.files", "store.mongod"}
    own_ways = re.compile(r"\b(fsync|flock|hardlink_to|mkstemp|os\.(rename|replace))\(")
    assert {name for name, tree in TREES.items() if own_ways.search(ast.unparse(tree))} == owners


def test_nothing_in_the_package_imports_a_test():
    assert trespasses(lambda _, tree: {name for name in imported(tree) if "tests" in name}) == {}


def test_a_pure_module_knows_no_file_and_no_socket_nor_who_does():
    def touches(name, tree):
        if not is_pure(name):
            return ()
        called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        calls = {call for call in called if re.fullmatch(READ_OR_WRITTEN, call.split(".")[-1])}
        writers = {other for other in own(tree) if TREES[other].body[1:] and not_pure(other)}
        return {name.split(".")[0] for name in imported(tree)} & set(FILES) | calls | writers

    def not_pure(name):
        return (room_of(name) in PURE and not is_pure(name)) or name in WRITERS

    assert {"privacy.cells", "posts.spam", "publication.names"} <= set(filter(is_pure, MODULES))
    assert trespasses(touches) == {}


def test_the_api_starts_without_the_heavy_libraries():
    modules = reached(name for name in MODULES if lies_in(name, "api"))
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
    allowed = (
        "app.add_typer",
        "os.environ.setdefault",
        "mlflow.models.set_model",
        "warnings.filterwarnings",
    )

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
    finished = subprocess.run(
        [sys.executable, "-c", WATCH, json.dumps([libraries, modules])],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.long
def test_importing_a_module_writes_no_file_opens_no_socket_and_configures_no_logging(tmp_path):
    light = [
        name
        for name in MODULES
        if not HEAVY & set().union(*(libraries(TREES[other]) for other in reached([name])))
    ]
    assert {
        "api.views", "pipeline.run_notebook", "privacy.keys.key", "store.connection"
    } <= set(light)  # fmt: skip
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
    done = done_on_import(tmp_path, [], ["calm", "eager"])
    assert list(done) == ["eager"]
    assert done["eager"][0].startswith(seen)


@pytest.mark.parametrize("stage", run_notebook.STAGES)
def test_a_stage_depends_on_exactly_the_rooms_that_its_notebook_reaches(stage, stages):
    modules = {name for name in reached(notebook_imports(stage)) if TREES[name].body[1:]}
    folder = PACKAGE.relative_to(ROOT).as_posix() + "/"
    listed = {dep.removeprefix(folder) for dep in stages[stage]["deps"] if dep.startswith("src")}
    assert [name for name in modules if not lies_in(name, " ".join(listed))] == []
    for room in listed:
        assert (PACKAGE / room).is_dir()
        assert [name for name in modules if lies_in(name, room)], room
    # No folder where a part of it is enough.
    for room in listed & HALLS:
        inner = {r for r in ROOMS if r.startswith(f"{room}/")}
        assert {room_of(name) for name in modules} >= inner


def test_dvc_yaml_lists_rooms_and_stays_short():
    lines = (ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()
    assert sum("src/" in line for line in lines) <= 40
    assert len(lines) <= 280


def test_a_notebook_of_a_stage_reads_its_own_section_alone_and_no_environment():
    for stage in run_notebook.STAGES:
        names = imported(notebook_tree(stage))
        assert f"{NAME}.project.params" not in names
        assert "os" not in names


def test_stages_are_the_same_in_the_pipeline_the_runner_the_parameters_and_the_notebooks(
    stages, values
):
    assert tuple(stages) == run_notebook.STAGES
    others = ("profile", "shared", "collect", *params.PROFILES)
    sections = [name for name in values if name not in others]
    assert sections == list(run_notebook.STAGES)
    for place, stage in enumerate(run_notebook.STAGES, 1):
        (file,) = (ROOT / "notebooks").glob(f"{place:02d}_*.ipynb")
        assert stages[stage]["cmd"] == f"customer-profiles run {stage}"
        assert f"notebooks/{file.name}" in stages[stage]["deps"]
        outs = (out if isinstance(out, str) else next(iter(out)) for out in stages[stage]["outs"])
        assert f"{run_notebook.EXECUTED}/{file.name}" in outs


def test_a_stage_watches_its_section_what_profiles_change_in_it_and_the_shared_values_it_uses(
    stages, values
):
    changed = {name for profile in params.PROFILES for name in values[profile]}
    for stage, settings in stages.items():
        (file,) = (ROOT / "notebooks").glob(f"{run_notebook.STAGES.index(stage) + 1:02d}_*.ipynb")
        text = file.read_text(encoding="utf-8")
        assert ("${pull.archive}" in settings["deps"]) == ("archives.read" in text)
        expected = [stage]
        expected += ["${profile}." + stage] if stage in changed else []
        expected += ["shared"] if any(f"{name} = " in text for name in values["shared"]) else []
        assert settings["params"] == expected


def test_every_profile_overrides_the_same_sections(values):
    # DVC refuses `${profile}.encoder` where the chosen profile has no such block.
    assert {tuple(values[profile]) for profile in params.PROFILES} == {tuple(values["quick"])}


def test_no_profile_overrides_a_path_that_dvc_takes_from_the_section(values):
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    templated = set(re.findall(r"\$\{([\w.]+)\}", text)) - {"profile"}
    assert templated == {"fetch.labelled", "fetch.source", "pull.archive"}
    for profile in params.PROFILES:
        for section, own_values in values[profile].items():
            assert {f"{section}.{name}" for name in own_values or ()} & templated == set()


def test_dvc_never_caches_what_is_about_single_people(stages):
    kept = {}
    for stage in stages.values():
        for out in stage["outs"]:
            ((path, options),) = out.items() if isinstance(out, dict) else ((out, {}),)
            kept[path] = options
    # Kept, because training takes long, but never sent to where others read.
    assert kept["data/processed/sentiment140"] == {"push": False}
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
    places = {
        name: match[0]
        for name, content in committed.items()
        if (match := re.search(pattern, content.decode("latin-1")))
    }
    assert places == {}
