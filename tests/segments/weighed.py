"""Evidence by known answers, for the tests of the rule and of its tables."""

import numpy as np
import pandas as pd

from customer_profiles.segments import verdict

BOUNDS = verdict.Bounds(jaccard=0.75, ari=0.95, bootstrap_ari=0.8, min_share=0.02)


def table_of(**columns):
    """Evidence for k = 2 to 5 that holds up to 4, in kind, unless `columns` say otherwise."""
    evidence_columns = {
        "k": [2, 3, 4, 5],
        "inertia": [90.0, 40.0, 35.0, 31.0],
        "silhouette": [0.5, 0.6, 0.4, 0.3],
        "silhouette_chance": 0.3,
        "gap": [0.2, 0.5, 0.51, 0.4],
        "gap_error": 0.02,
        "calinski_harabasz": [100.0, 90.0, 50.0, 40.0],
        "calinski_harabasz_chance": [99.0, 60.0, 50.0, 40.0],
        "davies_bouldin": [0.5, 0.6, 0.9, 1.0],
        "davies_bouldin_chance": [0.6, 1.0, 1.0, 1.0],
        "jaccards": [[0.9] * (k - 1) + [0.8] for k in range(2, 6)],
        "jaccard": [0.9, 0.8, 0.8, 0.1],
        "bootstrap_ari": [0.9, 0.8, 0.8, 0.1],
        "ari": [1.0, 1.0, 1.0, 0.1],
        "smallest": [0.2] * 4,
        "jaccard_uniform": [np.nan] * 4,
    }
    for name, values in columns.items():
        evidence_columns[name] = (
            [*values, evidence_columns[name][3]] if isinstance(values, list) else values
        )
    return verdict.with_tests(pd.DataFrame(evidence_columns), BOUNDS)
