"""Layers of the sentiment model as text, for a figure that needs no TensorFlow."""


def sentiment_layers(
    width: int, weights: int, length: int, pooling: str, dropout: float
) -> list[tuple[str, str]]:
    """Layers of the saved model from top to bottom: name and output of each.

    `width` and `weights` are the encoder's, `length` the longest post in tokens.
    """
    return [
        ("raw text", "string (n,)"),
        ("normalise: handles, links, entities", "string (n,)"),
        ("BERT preprocess: word pieces", f"3 x int32 (n, ≤ {length})"),
        (
            f"BERT encoder, {weights / 1e6:.1f} M trainable weights",
            f"float32 (n, ≤ {length}, {width})",
        ),
        ("pooled output" if pooling == "pooled" else "mean over tokens", f"float32 (n, {width})"),
        (f"dropout {dropout} (training only)", f"float32 (n, {width})"),
        ("dense(1), temperature, sigmoid", "polarity float32 (n,)"),
    ]
