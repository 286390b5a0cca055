"""Loss, metric, learning rate and optimizer of a training."""

from collections.abc import Sequence

from customer_profiles.sentiment.model.backend import tf, tf_keras


def cross_entropy(answers: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy (n,) of `logits` (n, questions), summed over the questions answered.

    `answers` (n, 2) are NaN where there is none. Of a post with all its answers it is the
    cross-entropy of the three classes.
    """
    answers = answers[:, : logits.shape[1]]
    asked = tf.logical_not(tf.math.is_nan(answers))
    # Replaced beforehand: the gradient of a NaN that is left out afterwards is NaN.
    known = tf.where(asked, answers, 0.0)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=known, logits=logits)
    return tf.reduce_sum(tf.where(asked, losses, 0.0), axis=1)


class AnswersRight(tf_keras.metrics.BinaryAccuracy):
    """Share of the answers that are right; no answer does not count."""

    def __init__(self):
        super().__init__(name="accuracy", threshold=0.0)

    def update_state(self, answers, logits, sample_weight=None):
        answers = answers[:, : logits.shape[1]]
        asked = tf.logical_not(tf.math.is_nan(answers))
        return super().update_state(answers[asked][:, None], logits[asked][:, None])


class Schedule(tf_keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate by step: it rises over the first `rising` of `steps`, and may fall to zero."""

    def __init__(self, rate: float, rising: int, steps: int, falls: bool):
        self._rate, self._rising, self._steps, self._falls = rate, rising, steps, falls

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        rise = (step + 1) / (self._rising + 1)
        fall = (self._steps - step) / (self._steps - self._rising) if self._falls else 1.0
        return self._rate * tf.maximum(tf.minimum(tf.minimum(rise, fall), 1.0), 0.0)


def optimizer(
    variables: Sequence[tf.Variable],
    steps: int,
    *,
    optimizer: str,
    learning_rate: float,
    decay: str,
    warmup: float,
    weight_decay: float,
    clip_norm: float,
) -> tf_keras.optimizers.Optimizer:
    """Adam or AdamW for a training of `variables` in `steps`; see `training.Settings`."""
    rate = Schedule(learning_rate, round(warmup * steps), steps, decay == "linear")
    options = {"learning_rate": rate, "global_clipnorm": clip_norm or None}
    if optimizer == "adam":
        return tf_keras.optimizers.Adam(**options)
    adamw = tf_keras.optimizers.AdamW(weight_decay=weight_decay, **options)
    # Norms and biases; kernels and embeddings have two dimensions.
    adamw.exclude_from_weight_decay(var_list=[each for each in variables if each.shape.rank == 1])
    return adamw
