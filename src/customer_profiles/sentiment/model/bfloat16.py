"""Matrix multiplications in bfloat16, if the processor supports them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_profiles.sentiment.model.backend import tf

# Sums and normalisations stay float32: they take little time, and the outputs change less.
os.environ.setdefault(
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_INFERLIST_REMOVE",
    "Add,AddV2,AddN,Sub,Rsqrt,SquaredDifference,Mean,Sum,RealDiv,Softmax",
)

OPTION = "auto_mixed_precision_onednn_bfloat16"
INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
PROCESSOR = Path("/proc/cpuinfo")


def supported(processor: Path = PROCESSOR) -> bool:
    """True if the processor multiplies in bfloat16; False without the file `processor` (/proc)."""
    if not processor.is_file():
        return False
    return bool(INSTRUCTIONS & set(processor.read_text(encoding="utf-8").split()))


@contextmanager
def bfloat16(wanted: bool) -> Iterator[None]:
    """Context in which TensorFlow's graphs multiply in bfloat16, or not; restores the old setting.

    TensorFlow reads the setting whenever it calls a graph from Python, and keeps a graph for each
    setting: the place of a function's call decides, and not that of its tracing. Weights stay
    float32.
    """
    before = tf.config.optimizer.get_experimental_options().get(OPTION, False)
    tf.config.optimizer.set_experimental_options({OPTION: wanted})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({OPTION: before})
