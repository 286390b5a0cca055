"""Questions that the sentiment model answers, and its layers as text; needs no TensorFlow."""

from customer_profiles.project.vocabulary import CLASSES

# Good or bad, and feeling or not: a logit each, in this order.
QUESTIONS = ("valence", "subjectivity")
# Outputs of the saved model, float32 (n,) each.
RATINGS = ("polarity", "subjectivity", *CLASSES)


def sentiment_layers(
    kind: str, width: int, weights: int, length: int, pooling: str, dropout: float, questions: int
) -> list[tuple[str, str]]:
    """Layers of the saved model from top to bottom: name and output of each.

    `kind` is the encoder's architecture, `width` and `weights` are its own, `length` is the longest
    post in tokens.
    """
    names = ", ".join(QUESTIONS[:questions])
    return [
        ("raw text", "string (n,)"),
        ("normalise: handles, links, entities", "string (n,)"),
        ("preprocess: word pieces", f"3 x int32 (n, ≤ {length})"),
        (
            f"{kind} encoder, {weights / 1e6:.1f} M weights",
            f"float32 (n, ≤ {length}, {width})",
        ),
        ("pooled output" if pooling == "pooled" else "mean over tokens", f"float32 (n, {width})"),
        (f"dropout {dropout} (training only)", f"float32 (n, {width})"),
        (f"dense({questions}), temperature, sigmoid", f"{names}: float32 (n, {questions})"),
        ("negative, neutral, positive; polarity", "float32 (n,) each"),
    ]
