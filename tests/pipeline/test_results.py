"""What is kept of a run, and that the README shows just that."""

import json
import re
import shutil
from pathlib import Path

import pytest

from customer_profiles.pipeline import results
from customer_profiles.pipeline.tracking import provenance
from customer_profiles.sentiment.model import classifier
from customer_profiles.sentiment.model.layers import sentiment_layers

ROOT = Path(__file__).parents[2]
ABOUT = {
    "date": "2026-11-20",
    "commit": "0123456789ab",
    "modified": False,
    "machine": {"processor": "Abacus 9", "cores": 2, "memory_gib": 8, "python": "3.11.4"},
    "posts": "shipped sample",
    "training": {"pooling": "mean", "dropout": 0.1, "subjectivity": "learned"},
}
RUN = {
    "run": ABOUT,
    "finetune": {"rows": {"emoticons": 211, "people": 700}, "epochs_run": 2},
    "encoder": {"kind": "BERT", "width": 384, "parameters": 22713216, "sequence_length": 128},
    "sentiment": {
        "labelled": {
            "accuracy": 0.9079,
            "low": 0.8633,
            "high": 0.939,
            "n": 1228,
            "macro_recall": 0.9012,
            "ece": 0.0246,
            "ece_by_chance": 0.0219,
            "invented": True,
        },
        "mood_error": {"manual": 0.0312, "labelled": 0.01},
        "manual2": {"accuracy": 0.881, "low": 0.8128, "high": 0.9265, "n": 126},
        "manual3": {
            "accuracy": 0.7126,
            "low": 0.6414,
            "high": 0.7747,
            "n": 174,
            "macro_f1": 0.7044,
        },
        "neutral": {"auc": 0.8812},
        "baselines": {"tfidf": {"accuracy": 0.7302}, "vader": {"accuracy": 0.8012}},
        "baselines3": {"tfidf": {"accuracy": 0.6302}, "vader": {"accuracy": 0.7212}},
    },
    "clusters": {
        "k": 5,
        "verdict": "groups in kind",
        "stability": {"jaccard": [0.99, 0.9783, 0.99], "ari": 0.9968},
    },
    "privacy": {"passed": True, "published": {"k_min": 10, "suppressed_share": 0.0278}},
}
SEVERAL = {
    **RUN["sentiment"],
    "labelled": {**RUN["sentiment"]["labelled"], "ece_crossfitted": 0.0251, "invented": False},
    "seeds": {
        "models": ["8", "9", "sentiment"],
        "manual2": {"mean": 0.8724, "sd": 0.0081},
        "manual3": {"mean": 0.7087, "sd": 0.0123},
    },
}  # fmt: skip
LARGE = {
    **RUN,
    "sentiment": SEVERAL,
    "run": {**ABOUT, "posts": "Sentiment140", "modified": True},
    "finetune": {"rows": {"emoticons": 4000, "people": 20000}, "epochs_run": 1},
    "clusters": {
        "k": 1,
        "verdict": "everybody",
        "stability": {"jaccard": [], "ari": None},
    },
    "privacy": {"passed": False, "published": {"k_min": "<10", "suppressed_share": 0.2}},
}
MANUAL = {
    "manual2": {"accuracy": 0.7549, "low": 0.7077, "high": 0.7965, "n": 359},
    "manual3": {"accuracy": 0.6446, "low": 0.6016, "high": 0.6853, "n": 498, "macro_f1": 0.6312},
}
TABLE = """\
| setting | quick | standard |
| --- | --- | --- |
| encoder | BERT, 22.7 M weights | BERT, 22.7 M weights |
| trained on posts | 911 invented | 20,000 by people, 4,000 emoticons |
| tested on posts | 126 / 174 invented | 126 / 174 labelled by hand |
| two classes | 88.1% (81.3% to 92.7%) | 88.1% (81.3% to 92.7%) |
| TF-IDF, VADER | 73.0%, 80.1% | 73.0%, 80.1% |
| three classes | 71.3% (64.1% to 77.5%) | 71.3% (64.1% to 77.5%) |
| TF-IDF, VADER, three | 63.0%, 72.1% | 63.0%, 72.1% |
| macro F1, three classes | 0.704 | 0.704 |
| polar or neutral, AUC | 0.881 | 0.881 |
| mood error | 0.031 | 0.031 |
| real posts, two classes | 75.5% (70.8% to 79.7%) | 88.1% (81.3% to 92.7%) |
| real posts, three | 64.5% (60.2% to 68.5%) | 71.3% (64.1% to 77.5%) |
| validation, three | 90.8% (86.3% to 93.9%) | 90.8% (86.3% to 93.9%) |
| its macro recall | 0.901 | 0.901 |
| its calibration error | 0.025 (by chance 0.022) | 0.025 (by chance 0.022) |
| segments | 5, groups in kind | 1, everybody |
| privacy certificate | passed, 2.8% suppressed | **not passed**, 20.0% suppressed |
| recorded, commit | 2026-11-20, 0123456 | 2026-11-20, 0123456 and changes |
| machine | 2 cores Abacus 9, 8 GiB | 2 cores Abacus 9, 8 GiB |

Figures in [docs/figures](docs/figures): setting standard.
"""
CURVES = "epoch,loss,accuracy,val_loss,val_accuracy\n1,0.5,0.7,0.4,0.8\n2,0.3,0.8,0.3,0.9\n"
POINTS = "step,epoch,loss,accuracy\n5,0.5,0.6,0.6\n10,1,0.5,0.7\n20,2,0.3,0.8\n"
ELBOW = "k,inertia,silhouette\n2,40,0.3\n3,20,0.4\n4,15,0.2\n"


def write_run(folder, run):
    folder.mkdir(parents=True)
    for name, value in run.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    (folder / "learning_curves.csv").write_text(CURVES)
    (folder / "training_steps.csv").write_text(POINTS)
    (folder / "elbow.csv").write_text(ELBOW)


def test_the_table_of_the_readme_is_made_from_the_recorded_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    made = results.table(results.recorded(ROOT / results.RESULTS))
    assert results.with_table(text, made) == text, "stale: run `customer-profiles results --redraw`"


def test_a_setting_is_a_column_and_a_result_a_line(tmp_path):
    write_run(tmp_path / "standard", LARGE)
    write_run(tmp_path / "quick", {**RUN, "manual": MANUAL})
    (tmp_path / "bench").mkdir()
    assert results.table(results.recorded(tmp_path)) == TABLE


def test_a_run_that_was_not_tested_on_real_posts_says_so(tmp_path):
    write_run(tmp_path / "quick", RUN)
    table = results.table(results.recorded(tmp_path))
    for classes in ("two classes", "three"):
        assert f"| real posts, {classes} | not measured |" in table


@pytest.mark.parametrize(
    ("run", "origins"),
    [
        (RUN | {"run": ABOUT | {"posts": "Sentiment140"}}, "700 invented, 211 emoticons"),
        (LARGE | {"run": ABOUT}, "20,000 by people, 4,000 invented"),
    ],
)
def test_of_posts_of_two_origins_each_is_counted(run, origins):
    assert results.lines(run)["trained on posts"] == origins


def test_without_results_the_readme_says_how_to_record_some(tmp_path):
    assert results.table(results.recorded(tmp_path / "none")) == results.NOTHING


def test_the_table_replaces_what_stood_between_its_marks_and_nothing_else():
    text = "a\n<!-- results -->\nold\n\n<!-- /results -->\nz\n"
    new = "a\n<!-- results -->\n\n| new \\1 |\n\n<!-- /results -->\nz\n"
    assert results.with_table(text, "| new \\1 |\n") == new
    assert results.with_table(new, "| new \\1 |\n") == new
    for wrong in ("no marks", text + text):
        with pytest.raises(ValueError, match="once"):
            results.with_table(wrong, "")


def test_redrawing_writes_three_figures_of_the_same_bytes_each_time(project):
    (project / "README.md").write_text("<!-- results -->\n<!-- /results -->\n")
    write_run(project / "docs/results/quick", RUN)
    results.redraw()
    figures = {path.name: path.read_bytes() for path in (project / "docs/figures").iterdir()}
    assert set(figures) == {"model.svg", "accuracy_and_loss.svg", "elbow.svg"}
    for content in figures.values():  # readable on a dark page
        assert re.search(rb'id="patch_1">\s*<path [^>]*style="fill: #ffffff', content)
    results.redraw()
    again = {path.name: path.read_bytes() for path in (project / "docs/figures").iterdir()}
    assert again == figures
    assert "| 911 invented |" in (project / "README.md").read_text()


def test_of_the_data_it_is_told_what_they_are_and_never_where_they_lie():
    sample = {"source": "data/sample/sentiment140", "official": False}
    assert results.origin(sample) == "shipped sample"
    assert results.origin({**sample, "official": True}) == "Sentiment140"
    own = {"source": "/data/mine", "official": False}
    assert results.origin(own) == "a folder in Sentiment140's format"


@pytest.mark.parametrize(
    "private",
    ["/srv/posts", "C:\\posts", "~/posts", "mongodb://host", "@handle", "0a" * 16],
)
def test_a_report_that_names_a_place_or_a_person_is_not_recorded(project, private):
    bench = project / "data/reports/bench"
    bench.mkdir(parents=True)
    (bench / "store.json").write_text(json.dumps({"note": private}))
    with pytest.raises(ValueError, match=r"store\.json"):
        results.record_benchmarks()
    assert not (project / "docs").exists()


def test_benchmarks_keep_their_commit_until_there_are_new_figures(project, monkeypatch):
    bench = project / "data/reports/bench"
    assert results.record_benchmarks() is None
    bench.mkdir(parents=True)
    (bench / "store.json").write_text('{"load": {"per_second": "900 posts/s"}}')
    folder = project / "docs/results/bench"
    assert results.record_benchmarks() == folder
    assert {path.name for path in folder.iterdir()} == {"store.json", "run.json"}
    assert results.record_benchmarks() is None
    (bench / "store.json").write_text('{"load": {"per_second": "800 posts/s"}}')
    assert results.record_benchmarks() == folder
    assert "800" in (folder / "store.json").read_text()


def test_nothing_recorded_names_a_place_or_a_person():
    assert (ROOT / results.RESULTS / "quick" / "run.json").is_file()
    for file in (ROOT / results.RESULTS).rglob("*"):
        if file.is_file():
            assert file.suffix in (".json", ".csv")
            assert results.PRIVATE.search(file.read_text(encoding="utf-8")) is None, file.name


def test_a_machine_is_described_by_its_kind_alone():
    machine = provenance.machine()
    assert set(machine) == {"processor", "cores", "memory_gib", "python"}
    assert machine["processor"]
    assert results.PRIVATE.search(json.dumps(machine)) is None


def test_an_unfinished_run_is_not_recorded(project):
    shutil.copy(ROOT / "params.yaml", project)
    with pytest.raises(FileNotFoundError, match=r"privacy\.json.*make repro"):
        results.record()


def test_reports_of_an_earlier_state_are_not_recorded(fresh, tmp_path):
    # The reports in Git are of a run that this clone has not made.
    copy = fresh.copy(tmp_path / "project")
    for name in results.METRICS + results.CURVES:
        (copy.root / results.REPORTS / name).touch()
    with pytest.raises(AssertionError, match=r"setting quick .*fetch.*make repro PROFILE=quick"):
        copy.call("customer-profiles", "results")


def test_only_a_change_of_what_a_run_is_made_of_counts_as_modified(fresh, tmp_path, monkeypatch):
    copy = fresh.copy(tmp_path / "project")
    monkeypatch.chdir(copy.root)
    assert provenance.commit() == "none"
    copy.commit()
    assert provenance.commit() == copy.call("git", "rev-parse", "HEAD").strip()
    assert not provenance.modified()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "page.jsonl").write_text('{"meta": {"result_count": 0}}\n')
    copy.set("profile=standard", f"pull.archive={tmp_path / 'pages'}")
    (copy.root / "README.md").write_text("other words")
    (copy.root / "data/reports/fetch.json").write_text("{}")
    assert not provenance.modified()
    copy.rewrite(r"(cluster:\n(?:  .*\n)*  k_max: )10\n", r"\g<1>12\n")
    assert provenance.modified()
    copy.call("git", "checkout", "params.yaml")
    (copy.root / "src/customer_profiles/new.py").touch()
    assert provenance.modified()


def test_the_layers_are_those_of_the_model(tiny_encoder):
    from customer_profiles.sentiment.model import encoder

    preprocess, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, 0.2, "pooled", 7)
    weights = sum(int(variable.shape.num_elements()) for variable in bert.trainable_variables)
    made = classifier.layers("BERT", preprocess, model, "pooled", 0.2)
    assert made == sentiment_layers("BERT", 32, weights, 64, "pooled", 0.2, 2)


def test_the_layers_tell_what_comes_out_of_each():
    named = dict(sentiment_layers("MPNet", 384, 22_713_216, 128, "mean", 0.1, 2))
    assert named["MPNet encoder, 22.7 M weights"] == "float32 (n, ≤ 128, 384)"
    assert named["mean over tokens"] == named["dropout 0.1 (training only)"] == "float32 (n, 384)"
    assert next(iter(named)) == "raw text"
    logits = named["dense(2), temperature, sigmoid"]
    assert logits == "valence, subjectivity: float32 (n, 2)"
