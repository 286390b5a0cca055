"""From several seeds' trainings to one model: the mean of their weights, saved and calibrated."""

import numpy as np
import pytest

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import finetuning, training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
TEXTS, LABELS = [*GLAD, *SAD], np.array([1.0] * 5 + [0.0] * 5)
SETTINGS = {
    "epochs": 2, "batch_size": 5, "optimizer": "adam", "learning_rate": 3e-3, "decay": "none",
    "patience": 0, "dropout": 0.1, "pooling": "mean",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tiny_encoder):
    preprocess, _ = encoder.load(*tiny_encoder)
    tokens = training.tokenise(preprocess, TEXTS)
    return {"train": (tokens, LABELS), "validation": (tokens, LABELS)}


@pytest.fixture(scope="module")
def seeds(tiny_encoder, rows, tmp_path_factory):
    """Trainings with the seeds 1 and 2."""
    folder = tmp_path_factory.mktemp("seeds")
    return [
        finetuning.finetune(
            tiny_encoder[0].parent, rows, folder / str(seed), None, **SETTINGS, seed=seed
        )
        for seed in (1, 2)
    ]


def saved_polarity(folder):
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    return model.signatures["serving_default"](text=tf.constant(TEXTS))["polarity"].numpy()


def test_all_seeds_begin_at_the_same_weights_and_end_at_others(tiny_encoder, seeds):
    _, bert = encoder.load(*tiny_encoder)
    heads = [
        classifier.build(bert, 0.1, "mean", seed).get_layer("classifier").get_weights()
        for seed in (1, 2)
    ]
    for one, other in zip(*heads, strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (trained.weights for trained in seeds)
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_weight_of_the_average_is_the_mean_over_the_seeds(tiny_encoder, rows, seeds, tmp_path):
    weights = [trained.weights for trained in seeds]
    saved = finetuning.average(tiny_encoder[0].parent, rows, tmp_path / "m", weights, "mean")
    _, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, 0.0, "mean", seed=5)
    for variable, one, other in zip(model.trainable_variables, *weights, strict=True):
        variable.assign((one + other) / 2)
    polarity = training.polarity(model, rows["validation"][0]).astype(float)
    loss = -np.log(np.where(LABELS > 0.5, polarity, 1 - polarity)).mean()
    assert saved.val_loss == pytest.approx(loss, abs=1e-6)
    assert saved.val_accuracy == np.mean((polarity > 0.5) == (LABELS > 0.5))
    odds = np.log(polarity / (1 - polarity)) / saved.temperature
    np.testing.assert_allclose(saved_polarity(tmp_path / "m"), 1 / (1 + np.exp(-odds)), atol=1e-5)


def test_the_average_of_one_training_is_that_training(tiny_encoder, rows, seeds, tmp_path):
    (one, _), target = seeds, tmp_path / "model"
    saved = finetuning.average(tiny_encoder[0].parent, rows, target, [one.weights], "mean")
    assert saved == pytest.approx(one.saved, abs=1e-6)


def test_trainings_of_unlike_models_have_no_average(tiny_encoder, rows, seeds, tmp_path):
    weights = [seeds[0].weights, seeds[1].weights[:-1]]
    with pytest.raises(ValueError, match="zip"):
        finetuning.average(tiny_encoder[0].parent, rows, tmp_path / "m", weights, "mean")
    assert not (tmp_path / "m").exists()
