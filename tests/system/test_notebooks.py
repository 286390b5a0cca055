"""The committed notebooks: clean, short, and with the parameters that params.yaml has."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from customer_profiles.project import params

ROOT = Path(__file__).parents[2]
EVERY = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Those of a stage; the others are studies, which the pipeline does not run.
NOTEBOOKS = [file for file in EVERY if file.name[0].isdigit()]
# The number in a notebook's name is its stage's place here.
STAGES = ("fetch", "encoder", "finetune", "evaluate", "pull", "score", "load", "cluster", "publish")
NBSTRIPOUT = Path(sys.executable).with_name("nbstripout")


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tags(cell):
    return cell["metadata"].get("tags", [])


def nodes(notebook, *kinds):
    """Nodes of these kinds in all code cells."""
    trees = [ast.parse(source(cell)) for cell in code(notebook)]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]


def parameters(notebook):
    """Names and values of the cell tagged `parameters`, which may hold nothing but literals."""
    (cell,) = (cell for cell in code(notebook) if "parameters" in tags(cell))
    values = {}
    for statement in ast.parse(source(cell)).body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        values[target.id] = ast.literal_eval(statement.value)
    return values


def exactly(values):
    """`values` as a text that tells True, 1 and 1.0 apart, as == does not."""
    return json.dumps(values, sort_keys=True)


@pytest.fixture(params=NOTEBOOKS, ids=lambda file: file.stem)
def file(request):
    return request.param


@pytest.fixture
def notebook(file):
    return read(file)


@pytest.fixture(scope="module")
def quick():
    """params.yaml as it is for the setting quick, whichever is chosen at the moment."""
    return params.parse({**params.read(ROOT / "params.yaml"), "profile": "quick"})


def test_there_is_one_notebook_for_each_stage():
    numbers = [file.name.partition("_")[0] for file in NOTEBOOKS]
    assert numbers == [f"{place:02d}" for place in range(1, len(STAGES) + 1)]


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.stem)
def test_a_notebook_is_valid(file):
    nbformat.validate(read(file))


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.stem)
def test_a_notebook_holds_nothing_of_a_run(file):
    for cell in code(read(file)):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_a_notebook_has_seven_to_thirteen_cells(notebook):
    assert 7 <= len(notebook["cells"]) <= 13


def lines(cell):
    return [line for line in source(cell).splitlines() if line.strip()]


def imports(cell):
    """Whether a cell holds the imports; constants of the notebook stand below them."""
    return isinstance(ast.parse(source(cell)).body[0], ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.stem)
def test_no_cell_is_empty_and_none_but_parameters_and_imports_has_more_than_ten_lines(file):
    assert all(source(cell).strip() for cell in read(file)["cells"])
    cells = [cell for cell in code(read(file)) if not tags(cell) and not imports(cell)]
    assert max(len(lines(cell)) for cell in cells) <= 10


def test_all_notebooks_together_have_at_most_700_lines_of_code():
    assert sum(len(lines(cell)) for file in EVERY for cell in code(read(file))) <= 700


def test_a_notebook_begins_with_its_number_and_title(file, notebook):
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    assert re.match(rf"# {int(file.name[:2])} · \S", source(first))


def test_a_code_cell_is_python_without_a_shell_line_or_a_magic(notebook):
    assert "get_ipython" not in [node.id for node in nodes(notebook, ast.Name)]
    for cell in code(notebook):
        compile(source(cell), "cell", "exec")  # `!` and `%` are no Python


def test_a_notebook_defines_no_function_and_no_class(notebook):
    defined = nodes(notebook, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert [node.name for node in defined] == []


def test_a_notebook_neither_changes_the_folder_nor_names_one_outside_the_project(notebook):
    assert "chdir" not in [node.attr for node in nodes(notebook, ast.Attribute)]
    texts = [node.value for node in nodes(notebook, ast.Constant) if isinstance(node.value, str)]
    assert [text for text in texts if re.match(r"[/~\\]|\.\.|[A-Za-z]:[/\\]", text)] == []


def test_exactly_one_cell_is_tagged_and_it_holds_the_parameters(notebook):
    assert [tags(cell) for cell in notebook["cells"] if tags(cell)] == [["parameters"]]


def test_the_parameters_are_the_names_and_values_of_the_section(file, notebook, quick):
    values = parameters(notebook)
    section = params.stage(STAGES[int(file.name[:2]) - 1], quick)
    assert exactly(values) == exactly({**params.shared(values, quick), **section})


def test_every_shared_value_is_named_by_more_than_one_notebook(quick):
    # What only one names belongs into that stage's section.
    named = [name for file in NOTEBOOKS for name in parameters(read(file))]
    assert [name for name in params.stage("shared", quick) if named.count(name) < 2] == []


def test_a_notebook_wants_the_kernel_python3_and_has_no_other_metadata(notebook):
    assert set(notebook["metadata"]) == {"kernelspec"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])


def test_stripping_the_notebooks_changes_no_byte(tmp_path):
    # The first strip after somebody opened one would otherwise make its stage run again.
    copies = [shutil.copy(file, tmp_path) for file in EVERY]
    subprocess.run(
        [NBSTRIPOUT, "--extra-keys", "metadata.language_info", *copies], cwd=tmp_path, check=True
    )
    before_and_after = [(file, tmp_path / file.name) for file in EVERY]
    assert [a.name for a, b in before_and_after if a.read_bytes() != b.read_bytes()] == []
