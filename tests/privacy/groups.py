"""Groups of people alike in some columns, and the cells of them that are shown."""

import pandas as pd

from customer_profiles.privacy import cells


def people(*groups, columns=("segment", "tier")):
    """A row for each person of `groups`: values of `columns`, then how many they are."""
    rows = [values for *values, number in groups for _ in range(number)]
    return pd.DataFrame(rows, columns=list(columns))


def shown_cells(*groups, k=10):
    """Cells of `groups` that are shown, as (segment, tier, authors)."""
    table = cells.cells(people(*groups), ("segment", "tier"), k)
    return [tuple(row) for row in table[table["shown"]].drop(columns="shown").to_numpy().tolist()]
