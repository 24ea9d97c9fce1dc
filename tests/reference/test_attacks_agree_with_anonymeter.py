"""Three attacks beside anonymeter's on the same rows: anonymeter_risks.py wrote its numbers.

What is compared is the risk of Giomi et al. (2023): (success - control) / (1 - control). A guessed number is right
within a twentieth of itself there and within a tenth of its standard deviation here, so control groups differ; the risk
does not depend on that.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anonymeter_risks import KINDS, cohorts

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort

EXPECTED = pd.read_csv(Path(__file__).parent / "anonymeter_risks.csv").set_index(["attack", "rows"])
ATTACKS = ("disclosure.singling_out", "disclosure.linkability", "disclosure.attribute")
NEAR = 0.05


def cohort(frame):
    rows = frame.assign(event=1)
    return Cohort(rows, endpoints={"os": ("time", "event")}, costs=["score"], currency="EUR", unit="year")


@pytest.fixture(scope="module")
def ours():
    found, margins = [], {key: margin_for(key, {"absolute": 0.09}) for key in ATTACKS}
    for seed in range(1, 6):
        source, unseen, drawn = cohorts(seed)
        real, holdout = cohort(source), cohort(unseen)
        for kind, rows in drawn.items():
            synthetic = Cohort.derive(real.schema, rows.assign(event=1), label=None)
            told = registry.findings("disclosure", real, [synthetic], margins, np.random.default_rng(seed), holdout)
            found += [
                (one.key, kind, one.synthetic, one.real)
                for one in told
                if one.group == "all" and "time" not in one.estimand
            ]
    frame = pd.DataFrame(found, columns=["attack", "rows", "source", "unseen"])
    return frame.groupby(["attack", "rows"])[["source", "unseen"]].mean()


def risk(rates):
    return (rates["source"] - rates["unseen"]) / (1 - rates["unseen"])


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_risk_is_the_one_that_anonymeter_finds(ours, attack, kind):
    assert risk(ours.loc[attack, kind]) == pytest.approx(risk(EXPECTED.loc[attack, kind]), abs=NEAR)


@pytest.mark.parametrize("attack", ATTACKS[:2])
@pytest.mark.parametrize("kind", KINDS)
def test_its_rates_are_those_of_anonymeter_where_success_means_the_same(ours, attack, kind):
    for people in ("source", "unseen"):
        assert ours.loc[attack, kind][people] == pytest.approx(EXPECTED.loc[attack, kind][people], abs=NEAR)
