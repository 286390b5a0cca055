"""Matrix multiplications in bfloat16, where the processor has them."""

# First: it settles how TensorFlow speaks and which Keras it uses.

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

# What sums and normalises stays float32: it is little of the work, and the answers change less.
os.environ.setdefault(
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_INFERLIST_REMOVE",
    "Add,AddV2,AddN,Sub,Rsqrt,SquaredDifference,Mean,Sum,RealDiv,Softmax",
)

OPTION = "auto_mixed_precision_onednn_bfloat16"
INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
PROCESSOR = Path("/proc/cpuinfo")


def supported(processor: Path = PROCESSOR) -> bool:
    """Whether the processor multiplies in bfloat16; False where there is no /proc to say so."""
    if not processor.is_file():
        return False
    return bool(INSTRUCTIONS & set(processor.read_text(encoding="utf-8").split()))


@contextmanager
def bfloat16(wanted: bool) -> Iterator[None]:
    """Inside the block TensorFlow's graphs multiply in bfloat16, or not; then as before.

    TensorFlow reads the setting whenever it calls a graph from Python, and keeps a graph for each:
    what counts is where a function is called, not where it was traced. Weights stay float32.
    """
    before = tf.config.optimizer.get_experimental_options().get(OPTION, False)
    tf.config.optimizer.set_experimental_options({OPTION: wanted})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({OPTION: before})
