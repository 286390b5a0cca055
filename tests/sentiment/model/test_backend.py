"""TensorFlow starts without a word."""

import subprocess
import sys

COMPUTES = """\
from customer_profiles.sentiment.training.training import tf, tf_keras

tf.config.list_logical_devices()
tf_keras.Sequential([tf_keras.layers.Dense(1)])(tf.ones((1, 1)))
"""


def test_tensorflow_starts_and_computes_without_a_word():
    ended = subprocess.run([sys.executable, "-c", COMPUTES], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("", "")
