"""Analyses side by side: the numbers shown are those of `replicate`."""

import heorsynth as hs

PBC = hs.datasets.load("pbc")
FOUND = [
    hs.replicate(hs.Analysis(name, model="cox", formula=f"os ~ {name}"), PBC, [PBC, PBC]) for name in ("age", "sex")
]


def test_the_table_has_the_rows_of_every_analysis() -> None:
    table = hs.tables.analyses(FOUND)
    assert list(table.frame["analysis"]) == ["age", "sex"] and [row[0] for row in table.card.rows] == ["age", "sex"]
    assert table.frame["real"].tolist() == [one.rows[0].real.value for one in FOUND]
