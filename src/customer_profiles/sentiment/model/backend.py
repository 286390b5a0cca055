"""TensorFlow and the libraries around it, imported once and without a word.

Every module takes them from here. TensorFlow writes about drivers and the processor at each start,
before its log level counts (https://github.com/tensorflow/tensorflow/issues/100442).
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["hub", "tf", "tf_keras", "tf_text"]

# hub.KerasLayer is a tf_keras layer; Keras 3 around it would silently train only the head.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # keras_hub's own Keras 3
# Fatal errors only: failures raise as well, and the errors that TensorFlow reports on a machine
# without a GPU or AVX-512 are harmless.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def stderr_aside() -> Iterator[None]:
    """Hold back what is written to file descriptor 2; write it there if the block raises."""
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except BaseException:
            caught.seek(0)
            with open(terminal, "wb", closefd=False) as stderr:
                stderr.write(caught.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


with stderr_aside(), warnings.catch_warnings():
    # TensorFlow Hub imports pkg_resources, which requirements.in keeps for it.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    import tensorflow as tf
    import tensorflow_hub as hub
    import tensorflow_text as tf_text
    import tf_keras
