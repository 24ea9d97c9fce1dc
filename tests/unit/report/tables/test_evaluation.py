"""The table of an economic evaluation shows what the evidence holds."""

from __future__ import annotations

from heorsynth.evidence.economics import EconomicNumbers
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.tables.evaluation import economics_table


def result(rows: str = "patients", arm: str = "new", **facts: object) -> EconomicNumbers:
    return EconomicNumbers(**{
        "rows": rows, "arm": arm, "comparator": "usual", "threshold": 20_000.0, "per": "QALY", "unit": "EUR",
        "how": "adjusted for u0", "incremental_cost": 400.0, "incremental_effect": 0.02, "icer": 20_000.0,
        "icer_text": "20,000 per unit gained", "inmb": 0.0, "inmb_low": -50.0, "inmb_high": 50.0, "probability": 0.5,
        "evpi": 10.2, "probability_best": 0.25, "evpi_all": 12.5, **facts,
    })  # fmt: skip


def evidence(*found: EconomicNumbers) -> Evidence:
    return Evidence.of("economic-evaluation", [], m=2, n_rows=9, n_source=9, economics=found)


def test_each_row_has_its_arms_threshold_ratio_probability_and_evpi() -> None:
    table = economics_table(evidence(result(), result("synthetic, pooled", inmb=145.0)))
    assert table.card.rows[0] == (
        "patients", "new vs usual", "20,000 per QALY", "400", "0.02", "20,000 per unit gained", "0 (-50 to 50)",
        "50.0%", "10.2",
    )  # fmt: skip
    assert table.card.rows[1][0] == "synthetic, pooled" and table.card.rows[1][6].startswith("145 ")
    assert table.card.note.startswith("Adjusted for u0. ")
    assert table.frame["evpi"].tolist() == [10.2, 10.2]


def test_three_arms_have_the_probability_and_evpi_of_the_choice_of_all() -> None:
    table = economics_table(evidence(result(), result(arm="other")))
    assert table.card.rows[0][-2:] == ("25.0%", "12.5")


def test_without_thresholds_the_table_is_empty() -> None:
    table = economics_table(evidence())
    assert table.card.rows == () and table.frame.empty and "icer" in table.frame
