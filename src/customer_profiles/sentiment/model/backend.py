"""TensorFlow and the libraries around it, imported once and without a word.

Every module takes them from here. TensorFlow writes about drivers and the processor at each start,
before its log level counts (https://github.com/tensorflow/tensorflow/issues/100442).
"""

import os
import warnings

from customer_profiles.project.importing import stderr_aside, without_collection

__all__ = ["hub", "tf", "tf_keras", "tf_text"]

# hub.KerasLayer is a tf_keras layer; Keras 3 around it would silently train only the head.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# Off by default on processors without AVX-512, where oneDNN doubles the speed of training.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Fatal errors only: failures raise as well, and the errors that TensorFlow reports on a machine
# without a GPU or AVX-512 are harmless.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with stderr_aside(), without_collection(), warnings.catch_warnings():
    # TensorFlow Hub imports pkg_resources, which requirements.in keeps for it.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    import tensorflow as tf
    import tensorflow_hub as hub
    import tensorflow_text as tf_text
    import tf_keras
