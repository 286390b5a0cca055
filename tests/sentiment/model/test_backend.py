"""TensorFlow starts without a word, and what it said is shown if it cannot start."""

import subprocess
import sys

SPEAKS = """\
import os
from customer_profiles.sentiment.model.backend import stderr_aside

with stderr_aside():
    os.write(2, b"held back\\n")
os.write(2, b"shown\\n")
with stderr_aside():
    os.write(2, b"the reason\\n")
    raise ImportError("no TensorFlow")
"""
COMPUTES = """\
from customer_profiles.sentiment.training.training import tf, tf_keras

tf.config.list_logical_devices()
tf_keras.Sequential([tf_keras.layers.Dense(1)])(tf.ones((1, 1)))
"""


def written(program):
    """What a program writes past Python too: to stdout and stderr."""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return ended.stdout + ended.stderr


def test_tensorflow_starts_and_computes_without_a_word():
    assert written(COMPUTES) == ""


def test_what_was_held_back_is_shown_only_when_the_import_fails():
    shown, reason, *_, error = written(SPEAKS).splitlines()
    assert (shown, reason, error) == ("shown", "the reason", "ImportError: no TensorFlow")
