"""The evidence is shown in few digits, with what fails and who prefers."""

import pandas as pd

from customer_profiles.segments import evidence_table, verdict
from tests.segments.weighed import BOUNDS, table_of


def test_the_table_is_shown_in_few_digits():
    table = table_of(
        inertia=[12345.6, 98.765, 1.2345], silhouette=0.3456, gap=0.12345, jaccard=0.29,
        calinski_harabasz=1234.5, davies_bouldin=1.2345, ari=0.94999,
    )  # fmt: skip
    report = evidence_table.report(table, 0)
    assert list(report) == [
        "k", "inertia", "silhouette", "silhouette_chance", "gap", "gap_error", "calinski_harabasz",
        "calinski_harabasz_chance", "davies_bouldin", "davies_bouldin_chance", "jaccard",
        "bootstrap_ari", "ari", "smallest", "holds",
    ]  # fmt: skip
    assert report["inertia"].tolist() == [12300, 98.8, 1.23, 31]
    assert report.loc[0, "silhouette":].tolist() == [
        0.35, 0.3, 0.12, 0.02, 1230, 99, 1.23, 0.6, 0.29, 0.9, 0.94, 0.2, False,
    ]  # fmt: skip


def test_the_share_of_a_cluster_below_k_is_not_shown():
    table = table_of().assign(smallest=[0.3, 9 / 60, 1 / 60, 1 / 60])
    report = evidence_table.report(table, least=10 / 60)
    assert report["smallest"].tolist() == [0.3, 0.17, 0.17, 0.17]


def test_the_agreement_table_says_what_fails_and_who_prefers():
    table = table_of(ari=[1, 1, 0.5], jaccard=[0.9, 0.8, 0.7])
    overview = evidence_table.overview(table, verdict.decide(table, BOUNDS).preferred, 0)
    assert overview["fails"].tolist() == ["none: it holds"] * 2 + ["bootstrap, seeds"] * 2
    degree = table_of(gap=0.0, bootstrap_ari=[0.9, 0.9, 0.7], smallest=[0.2, 0.01, 0.2])
    fails = evidence_table.overview(degree, verdict.decide(degree, BOUNDS).preferred, 0)["fails"]
    assert fails.tolist()[:3] == ["two only", "share", "bootstrap ARI"]
    assert overview.loc[3, "preferred by"].startswith("elbow, silhouette, gap")
    assert overview.loc[[2, 4, 5], "preferred by"].tolist() == ["-"] * 3
    columns = ["inertia", "silhouette", "gap", "CH", "DB", "Jaccard", "ARI", "smallest", "fails"]
    assert overview.columns.tolist() == [*columns, "preferred by"]
    row = ["90", "0.50 (0.30)", "0.20 (0.020)", "100 (99)", "0.50 (0.60)", "0.90", "1.00", "0.20"]
    assert overview.loc[2, :"smallest"].tolist() == row


def test_certainty_is_of_the_clusters_or_of_each_number_where_there_is_one_segment():
    table = table_of()
    assert evidence_table.certainty(table, 3).to_dict() == {
        "cluster 1": 0.9, "cluster 2": 0.9, "cluster 3": 0.8,
    }  # fmt: skip
    assert evidence_table.certainty(table, 1).loc["the least certain of 3"] == 0.8


def test_the_least_certain_cluster_is_named_beside_the_bound():
    table = table_of()
    told = "The smallest similarity, of cluster 3, is 0.80: it reaches the bound 0.75."
    assert evidence_table.weakest(evidence_table.certainty(table, 3), 0.75) == told
    told = (
        "The smallest similarity, of the least certain of 5, is 0.10: it is below the bound 0.75."
    )
    assert evidence_table.weakest(evidence_table.certainty(table, 1), 0.75) == told
    assert evidence_table.weakest(pd.Series(dtype=float), 0.75).startswith("One segment")
