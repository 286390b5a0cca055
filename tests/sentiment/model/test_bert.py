"""The forward pass of our own gives what Keras' gives."""

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import bert, encoder


@pytest.fixture(scope="module")
def backbone():
    """KerasHub's BERT, small, with every weight drawn: none is 0 or 1 as it begins."""
    import keras_hub

    assert encoder.INPUTS  # imported first: it settles which Keras that is
    made = keras_hub.models.BertBackbone(
        vocabulary_size=40, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=20,
        max_sequence_length=16,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for variable in made.trainable_variables:
        variable.assign(rng.normal(0.2, 0.5, variable.shape))
    return made


def test_every_vector_of_a_token_is_keras_own_and_so_is_the_pooled_one(backbone):
    import keras  # whose Keras that is, the import of the encoder has settled

    rng = np.random.default_rng(2)
    word_ids, type_ids = rng.integers(0, 40, (4, 9)), rng.integers(0, 2, (4, 9))
    mask = (np.arange(9) < np.array([[9], [5], [1], [7]])).astype(int)
    inputs = [tf.constant(part, tf.int32) for part in (word_ids, mask, type_ids)]
    keras_inputs = dict(zip(("token_ids", "padding_mask", "segment_ids"), inputs, strict=True))
    expected = backbone(keras_inputs, training=False)
    weights = {variable.path: variable.value for variable in backbone.trainable_variables}
    pooled, layers = bert.encode(weights, bert.Sizes(2, 3, 12), *inputs)
    np.testing.assert_allclose(pooled, expected["pooled_output"], atol=1e-5)
    real = mask.astype(bool)
    kept = np.array(expected["sequence_output"])[real]
    np.testing.assert_allclose(layers[1].numpy()[real], kept, atol=1e-5)
    assert kept.std() > 0.1  # not all alike, which any pass would give
    first = keras.Model(backbone.input, backbone.get_layer("transformer_layer_0").output)
    kept = np.array(first(keras_inputs, training=False))[real]
    np.testing.assert_allclose(layers[0].numpy()[real], kept, atol=1e-5)
