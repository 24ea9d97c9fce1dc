"""Nothing is estimated, and so nothing shown, of fewer than five real patients."""

import numpy as np

import heorsynth as hs


def test_a_subgroup_of_four_patients_shows_no_outcome_of_theirs() -> None:
    cohort, _ = hs.datasets.simulated_trial(120, seed=3)
    few = cohort.frame.assign(sex=np.where(np.arange(120) < 4, "m", "f"))
    real = hs.Cohort.derive(cohort.schema, few, label=None)
    evidence = hs.validate(real, hs.generators.create("bootstrap").fit(real, seed=1).sample(m=3, seed=1), seed=1)
    few_men = [finding for finding in evidence.findings if finding.group == "sex=rare level 1"]
    of_few = [finding for finding in few_men if finding.check not in ("subgroups", "structure")]
    assert of_few
    assert {finding.verdict for finding in of_few} == {"not estimable"}
    assert all(np.isnan(finding.real) and "fewer than 5" in finding.because for finding in of_few)
    others = [f for f in evidence.findings if f.group == "sex=f" and f.verdict != "not estimable"]
    assert others
