"""The sample's sibling: an audience whose authors differ by degree, and in no kind."""

import numpy as np
import pandas as pd

FEATURES = {"polarity": 1, "posts": 1, "account_posts": 1, "followers": 1}


def audience(number=1500, seed=3):
    """Profiles of a heavy-tailed, correlated continuum, as real audiences are one."""
    rng = np.random.default_rng(seed)
    size, mood = rng.normal(size=(2, number))

    def counts(middle, grows):
        return np.floor(np.exp(middle + grows * size + 0.4 * rng.normal(size=number))).astype(int)

    return pd.DataFrame({
        "_id": [f"{place:032x}" for place in range(number)],
        "polarity": 1 / (1 + np.exp(-2 * mood)),
        "posts": 1 + rng.poisson(np.exp(0.5 * size - 1)),
        "account_posts": counts(6, 1.8),
        "followers": counts(5, 2),
        "listed": counts(0, 1.5),
        "following": counts(4, 1),
    })  # fmt: skip
