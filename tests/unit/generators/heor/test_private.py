"""The private law rests on noised sums and on what is public, and on nothing else of the patients."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.columns.rule_choice import RuleChoice
from heorsynth.generators.protection.account import Account

KEY = ReleaseKey(b"a custodian's secret, for tests only")
PUBLIC = {
    "arm": ["new", "usual"], "sex": ["f", "m"], "stage": ["I", "II", "III", "IV"], "age": [18.0, 100.0],
    "time": [0.0, 5.0], "drug": [0.0, 6000.0], "hospital": [0.0, 50_000.0], "qaly": [-0.5, 1.0],
}  # fmt: skip


def fitted(cohort: hs.Cohort, seed: int = 1, **options: object):
    given = {"epsilon": 8.0, "delta": 1e-6, "public": PUBLIC, "release_key": KEY, **options}
    return hs.generators.create("heor", **given).fit(cohort, seed=seed)


def trial(n: int = 120, seed: int = 1) -> hs.Cohort:
    return hs.datasets.simulated_trial(n, seed)[0]


def law_of(sampler) -> str:
    return json.dumps(sampler.law.to_dict(), sort_keys=True)


def test_two_cohorts_with_the_same_noised_sums_have_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Account.sum

    def same(self, name, contributions, sensitivity):
        return told(self, name, np.ones_like(contributions), sensitivity)

    monkeypatch.setattr(Account, "sum", same)
    monkeypatch.setattr("heorsynth.generators.heor.recipe.keyed_patients", lambda cohort, key: _Fixed())
    one, other = (fitted(cohort) for cohort in (trial(), _changed(trial(seed=2))))
    assert law_of(one) == law_of(other)
    assert one.domain == other.domain and one.settings == other.settings and one.cells == other.cells
    assert one.sample(m=1, seed=3)[0].frame.equals(other.sample(m=1, seed=3)[0].frame)


class _Fixed:
    content = b"the same"


def _changed(cohort: hs.Cohort) -> hs.Cohort:
    """Another cohort in every respect that could be looked at: types, missing values, ranges, levels."""
    frame = cohort.frame.reset_index(drop=True)
    frame["age"] = (frame["age"] / 20).round().where(frame.index > 5)
    frame["hospital"] = frame["hospital"] * 100
    frame["cost"] = frame["drug"] + frame["hospital"]
    frame["stage"] = frame["stage"].replace({"IV": "V"})
    frame["event"] = frame["event"].astype(float)
    return hs.Cohort.derive(cohort.schema.with_roles(kind={"age": "code"}), frame, label=None)


def test_rows_stay_in_what_is_public_and_their_label_has_the_account() -> None:
    drawn = fitted(trial()).sample(m=2, seed=1)
    frame, label = drawn[0].frame, drawn.label
    for name in ("age", "time", "drug", "hospital", "qaly"):
        assert frame[name].between(*PUBLIC[name]).all()
    assert set(frame["stage"]) <= set(PUBLIC["stage"]) and sum(drawn.broken.values()) == 0
    assert label.level == "shared" and label.settings["spent"] == {"epsilon": 8.0, "delta": 1e-6}
    names = [one["name"] for one in label.settings["mechanisms"]]
    assert names == ["arms and subgroups", "follow-up", "age", "drug", "hospital", "qaly", "associations"]
    assert "Differentially private with epsilon 8, delta 1e-06" in label.audience


def test_the_noise_follows_the_key_and_the_settings_and_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def cells(sampler) -> list[int]:
        return sampler.law.cells.counts.tolist()

    first = fitted(trial())
    assert cells(first) == cells(fitted(trial(), seed=2))
    assert first.law.outcome.to_dict() == fitted(trial(), seed=2).law.outcome.to_dict()
    assert cells(first) != cells(fitted(trial(), release_key=ReleaseKey(b"another secret, for tests of keys")))
    assert cells(first) != cells(fitted(trial(), epsilon=7.9))
    wider = fitted(trial(), public={**PUBLIC, "age": [10.0, 100.0]})
    assert cells(first) != cells(wider) and first.settings != wider.settings  # so the ledger adds them up
    shuffled = trial().take(np.random.default_rng(1).permutation(120))
    assert law_of(fitted(shuffled)) == law_of(first)


def test_what_is_asked_second_follows_no_seed_either(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, told = [], Account.sum

    def watched(self, name, contributions, sensitivity):
        asked.append((name, contributions.tobytes()))
        return told(self, name, contributions, sensitivity)

    monkeypatch.setattr(Account, "sum", watched)
    fitted(trial(), seed=1)
    fitted(trial(), seed=2)
    assert asked[: len(asked) // 2] == asked[len(asked) // 2 :]


def test_a_private_law_is_saved_and_read_again(tmp_path) -> None:
    sampler = fitted(trial())
    again = hs.generators.load(sampler.save(tmp_path / "law.json"))
    assert again.sample(m=1, seed=4)[0].frame.equals(sampler.sample(m=1, seed=4)[0].frame)


def test_bands_and_missing_values_and_ordered_endpoints_are_kept() -> None:
    rng = np.random.default_rng(1)
    n = 200
    last = rng.integers(50, 900, n)
    frame = pd.DataFrame(
        {
            "pfs": np.minimum(last, rng.integers(10, 900, n)), "progressed": rng.integers(0, 2, n),
            "os": last, "died": rng.integers(0, 2, n), "age": rng.integers(30, 90, n),
            "lab": np.where(rng.random(n) < 0.3, np.nan, rng.random(n) * 9), "grade": rng.integers(1, 4, n),
        }
    )  # fmt: skip
    frame["progressed"] = np.where(frame["pfs"] < frame["os"], 1, frame["died"])
    frame["age_group"] = np.where(frame["age"] < 60, "<60", "60+")
    cohort = hs.Cohort(
        frame, endpoints={"pfs": ("pfs", "progressed"), "os": ("os", "died")}, order=[("pfs", "os")],
        subgroups=["age_group"], bands={"age_group": ("age", (60,), ("<60", "60+"))},
    )  # fmt: skip
    public = {"pfs": [0, 1000], "os": [0, 1000], "age": [18, 100], "lab": [0.0, 10.0, None], "grade": ["1", "2", "3"]}
    drawn = fitted(cohort, public=public).sample(m=2, seed=1)
    rows = drawn[0].frame
    assert (rows["pfs"] <= rows["os"]).all() and sum(drawn.broken.values()) == 0
    assert ((rows["age"] < 60) == (rows["age_group"] == "<60")).all()
    assert 0.1 < rows["lab"].isna().mean() < 0.5  # 0.3 of the patients, and noise of 0.05


def test_large_cohorts_keep_survival_and_costs() -> None:
    cohort = trial(2000)
    drawn = fitted(cohort).sample(m=5, seed=1)
    means = np.mean([one.frame["cost"].mean() for one in drawn])
    assert means == pytest.approx(cohort.frame["cost"].mean(), rel=0.15)  # noise and intervals of a cost
    died = np.mean([one.frame["event"].mean() for one in drawn])
    assert died == pytest.approx(cohort.frame["event"].mean(), abs=0.05)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"epsilon": 0}, "epsilon"),
        ({"delta": None}, "delta"),
        ({"delta": 0.01}, "not below 1 / 120"),
        ({"public": {"agee": [0, 1]}}, "public: 'agee'"),
        ({"epsilon": None, "delta": None}, "nothing asks for it"),
        ({"keep": ["age"]}, "keep"),
        ({"calibrate": ["costs.mean by arm"]}, "calibrate"),
    ],
)
def test_what_cannot_be_private_is_refused(options: dict, part: str) -> None:
    with pytest.raises(errors.GeneratorError, match=part):
        fitted(trial(), **options)


def test_a_rule_that_is_added_is_refused_and_not_lost() -> None:
    plain = trial()
    schema = dataclasses.replace(plain.schema, rules=RuleChoice(add=("qaly <= time",)))
    with pytest.raises(errors.GeneratorError, match="does not keep the rules that are added"):
        fitted(hs.Cohort.derive(schema, plain.frame, label=None))
