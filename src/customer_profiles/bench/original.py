"""Time and memory of the setting `original` on this machine.

BERT base is taken from a TF Hub handle to training steps with the settings of `original`. Its
weights are random: the arithmetic, and so time and memory, equal those of the pretrained model.
"""

import os
import tempfile
import time
from pathlib import Path

from customer_profiles.bench.process import in_own_process, peak_gib, size
from customer_profiles.project import params, paths
from customer_profiles.sentiment.data import sampling, sentiment140
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import batching, mixing, training

POSTS, LAYERS = size(640, 32), size(12, 2)
TOKENS = 26  # of a post of Sentiment140, on average; those of the sample are shorter


def measure() -> dict:
    """Seconds, memory and projected hours of `original`, compared with the wheel's smaller BERT."""
    values = params.parse({**params.read(), "profile": "original"})
    fetch, chosen, settings = (
        params.stage(name, values) for name in ("fetch", "encoder", "finetune")
    )
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TFHUB_CACHE_DIR"] = scratch
        in_own_process(_fill_cache, paths.inside(chosen["wheel"]), chosen)
        base = in_own_process(_train, "hub", chosen, settings)
        small = in_own_process(_train, "wheel", chosen, settings)
    training = fetch["rows"] * (1 - fetch["validation_share"])
    validation = fetch["rows"] * fetch["validation_share"]
    epoch = training * base["seconds_a_post"] + validation * base["seconds_a_validation_post"]
    longer = TOKENS / base["tokens_a_post"]
    return {
        "train_time_to_wheel": base["seconds_a_post"] / small["seconds_a_post"],
        "memory_to_wheel": base["peak_gib"] / small["peak_gib"],
        "absolute": {
            "parameters": base["parameters"],
            "posts_measured": POSTS,
            "tokens_a_post": base["tokens_a_post"],
            "batch_size": settings["batch_size"],
            "seconds_a_step": settings["batch_size"] * base["seconds_a_post"],
            "steps": round(settings["epochs"] * training / settings["batch_size"]),
            "projected_hours": settings["epochs"] * epoch * longer / 3600,
            "projected_for_tokens_a_post": TOKENS,
            "peak_gib": base["peak_gib"],
        },
    }


def _fill_cache(wheel: Path, chosen: dict) -> None:
    """Put both modules into TF Hub's cache under their handles, so that none is downloaded."""
    at = {name: encoder.cached(chosen[f"{name}_handle"]) for name in ("preprocess", "encoder")}
    encoder.from_wheels([wheel], at["preprocess"], at["encoder"], chosen["sequence_length"])
    encoder.write(encoder.untrained_base(LAYERS), at["encoder"])


def _train(origin: str, chosen: dict, settings: dict) -> dict:
    sample = sentiment140.locate(paths.inside("data/sample/sentiment140"))
    posts, _ = sentiment140.clean(sentiment140.read(sample.train)[0])
    posts = sampling.sample(posts[posts["label"] != sentiment140.NEUTRAL], POSTS, seed=7)
    with tempfile.TemporaryDirectory() as scratch:
        folders = Path(scratch, "preprocess"), Path(scratch, "encoder")
        if origin == "hub":
            encoder.from_hub(chosen["preprocess_handle"], folders[0])
            encoder.from_hub(chosen["encoder_handle"], folders[1], chosen["encoder_gb"])
        else:
            carriers = [paths.inside(chosen["wheel"])]
            encoder.from_wheels(carriers, *folders, chosen["sequence_length"])
        preprocess, bert = encoder.load(*folders)
    answers = mixing.answers(posts["label"].to_numpy())
    rows = training.tokenise(preprocess, posts["text"]), answers
    model = classifier.build(bert, settings["dropout"], settings["pooling"], settings["seed"], 1)
    names = ("batch_size", "optimizer", "learning_rate", "decay", "patience", "seed")
    few = {name: tokens[:1] for name, tokens in rows[0].items()}, rows[1][:1]
    ends = []
    once = training.Settings(epochs=1, **{name: settings[name] for name in names})
    _, points = training.train(
        model, rows, few, once, on_point=lambda *_: ends.append(time.perf_counter())
    )
    model.evaluate(training.batches(*few, [[0]]), verbose=0)  # traced before it is timed
    start = time.perf_counter()
    plan = batching.plan(training.lengths(rows[0]), settings["batch_size"])
    model.evaluate(training.batches(*rows, plan), verbose=0)
    evaluated = time.perf_counter() - start
    return {
        # Without what comes before the first point: the first step builds the graph.
        "seconds_a_post": (ends[-1] - ends[0]) / points["posts"].iloc[1:].sum(),
        "seconds_a_validation_post": evaluated / POSTS,
        "parameters": sum(encoder.parameters(bert).values()),
        "tokens_a_post": rows[0]["input_mask"].sum(axis=1).mean(),
        "peak_gib": peak_gib(),
    }
