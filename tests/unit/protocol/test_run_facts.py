"""What a run rests on reaches its findings: seeds, hold-out, currency and price year, and where rows came from."""

import json
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.estimand import EVERY_GROUP, REPEATED
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.plan import plan
from heorsynth.checks.planning.run_checks import Rows
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels import facts
from heorsynth.data.labels.label import Label
from heorsynth.engine.engine import open_engine
from heorsynth.estimators.attacks import records
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.publish import published
from heorsynth.generators.heor import recipe as heor

ATTACKS = [estimand for estimand in ESTIMANDS.values() if estimand.check == "disclosure"]
NEEDS_99 = "disclosure.members_found"
"""It is not estimable within groups as small as those here."""
DECLARED = "disclosure.linkage"  # asked where quasi-identifiers are: unit/checks/privacy/test_attempts.py
REPEATED_ATTACKS = [one.key for one in ATTACKS if one.asked_of == REPEATED and one.key not in (NEEDS_99, DECLARED)]
BY_GROUP = [estimand.key for estimand in ATTACKS if estimand.asked_of == EVERY_GROUP]

ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": "cost", "utilities": "qaly", "subgroups": "sex",
    "currency": "CHF", "price_year": 1997, "unit": "year",
}  # fmt: skip
PROTOCOL = """\
heorsynth: 1
title: Two seeds and a hold-out
purpose: data-sharing
cohort: {source: {file: trial.csv}, endpoints: {os: [time, event]}, arm: arm, subgroups: [sex], costs: [cost],
  utilities: [qaly], unit: year, currency: CHF, price_year: 1997}
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
economics: {comparator: a, wtp: [20000]}
margins: {economics.inmb: {relative: 0.1}}
holdout: 0.3
notebook: short.ipynb
"""
RESAMPLED = "disclosure.singling_out"
"""An estimand whose attack takes chances of its own."""


def rows(seed: int, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "time": rng.exponential(3, n) + 0.01, "event": rng.integers(0, 2, n), "arm": rng.choice(["a", "b"], n),
        "sex": rng.choice(["f", "m"], n), "age": rng.normal(60, 9, n), "cost": rng.gamma(2, 500, n),
        "qaly": rng.gamma(8, 0.2, n),
    })  # fmt: skip


def drawn(real: Cohort, seed: int, **label: object) -> Cohort:
    facts = {"release": "1a2b", "generator": "x", "n_source": real.n, "rests_on": real.n, "n_rows": real.n, "part": 0}
    told = Label(**{**facts, "m": 1, "seed": 1, "version": "0", "settings": {}, **label}) if label else None
    return Cohort.derive(real.schema, rows(seed), label=told)


@pytest.fixture(scope="module")
def real() -> Cohort:
    return Cohort(rows(1), **ROLES)


@pytest.fixture(scope="module")
def syn(real: Cohort) -> list[Cohort]:
    return [drawn(real, seed) for seed in (2, 3)]


@pytest.fixture(scope="module")
def apart(real: Cohort) -> Cohort:
    return drawn(real, 9)


@pytest.fixture(scope="module")
def run_of(
    tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[..., str]
) -> Iterator[Callable[..., "hs.Run"]]:
    """The run of the protocol with some texts replaced, made once."""
    place, made, patch = tmp_path_factory.mktemp("facts"), {}, pytest.MonkeyPatch()
    patch.setenv("HEORSYNTH_KEY", "a key for tests")
    rows(1).to_csv(place / "trial.csv", index=False)
    short_notebook(place)

    def run(*changes: tuple[str, str]) -> "hs.Run":
        if changes not in made:
            text, path = PROTOCOL, place / f"p{len(made)}.yaml"
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")
            made[changes] = hs.run(path, out=place / "runs")
        return made[changes]

    yield run
    patch.undo()


def numbers(evidence: Evidence, key: str) -> list[tuple[str, float, float]]:
    """The intervals of an estimand, with the nine digits that a run writes."""
    return [(one.group, one.stable.lower, one.stable.upper) for one in evidence.findings if one.key == key]


def test_the_seed_of_a_check_changes_what_is_resampled_and_nothing_else(real, syn, apart):
    one, other = (hs.validate(real, syn, "data-sharing", holdout=apart, seed=seed) for seed in (1, 2))
    assert numbers(one, RESAMPLED) and numbers(one, RESAMPLED) != numbers(other, RESAMPLED)
    assert numbers(one, "survival.rmst") == numbers(other, "survival.rmst")


def test_each_check_has_a_stream_named_after_it(real, syn, apart):
    margin = {RESAMPLED: margin_for(RESAMPLED, {"absolute": 0.05})}
    with open_engine("local") as engine:
        found = Rows(real, syn, 5, apart).findings([("disclosure", margin)], engine)
    expected = registry.findings("disclosure", real, syn, margin, stream(5, "check", "disclosure"), apart)
    others = registry.findings("disclosure", real, syn, margin, stream(5, "check", "structure"), apart)
    assert [one.lower for one in found] == [one.lower for one in expected] != [one.lower for one in others]


def test_a_run_resamples_with_the_seed_of_its_protocol(run_of):
    run = run_of()
    fitted, aside = Cohort(rows(1), **ROLES, arm_reference="a").split(0.3, stream(1, "holdout"))
    asked = {"economics": {"comparator": "a", "wtp": [20000]}, "margins": {"economics.inmb": {"relative": 0.1}}}
    expected, other = (
        hs.validate(fitted, run.synthetic, "data-sharing", holdout=aside, seed=seed, **asked) for seed in (1, 2)
    )
    assert numbers(run.evidence, RESAMPLED) == numbers(published(expected.stable), RESAMPLED)
    assert numbers(expected, RESAMPLED) != numbers(other, RESAMPLED)


@pytest.mark.long
def test_another_seed_holds_other_patients_out_and_another_share_more_of_them(run_of):
    plain = "data-sharing", "teaching"
    run, other_seed, other_share = (
        run_of(plain, *changed) for changed in ((), (("seed: 1", "seed: 2"),), (("holdout: 0.3", "holdout: 0.4"),))
    )
    assert run.holdout["patients"] == other_seed.holdout["patients"] == 36
    assert run.holdout["fingerprint"] != other_seed.holdout["fingerprint"]
    assert (other_share.holdout["patients"], other_share.holdout["fitted"]) == (48, 72)


def test_a_run_attacks_with_its_hold_out_and_records_it(run_of):
    run, without = run_of(), run_of(("holdout: 0.3\n", ""))
    for made, judged in ((run, True), (without, False)):
        found = [one for one in made.evidence.findings if one.key == "disclosure.membership" and one.group == "all"]
        assert [one.verdict != "not estimable" for one in found] == [judged]
    assert run.evidence.n_source == run.cohort.n == 84 and without.cohort.n == 120
    told = json.loads((run.path / "provenance.json").read_text(encoding="utf-8"))
    assert told["predicate"]["buildDefinition"]["internalParameters"]["holdout"] == run.holdout
    assert without.holdout is None


def test_the_price_year_of_a_protocol_is_in_every_amount_of_money(run_of):
    run = run_of()
    assert run.cohort.schema.money == "CHF 1997"
    units = {one.unit for one in run.evidence.findings if one.key.startswith("costs.mean")}
    assert units == {"CHF 1997"}
    sheet = (run.path / "governance.json").read_text(encoding="utf-8")
    page = run.report.read_text(encoding="utf-8")
    assert "CHF 1997" in sheet and "CHF 1997" in page


@pytest.mark.parametrize(
    ("money", "unit"),
    [({"currency": "CHF", "price_year": 1997}, "CHF 1997"), ({"currency": "USD", "price_year": None}, "USD")],
)
def test_every_amount_is_in_the_currency_and_price_year_of_its_cohort(money, unit):
    real = Cohort(rows(1), **{**ROLES, **money})
    asked = {"costs.censored_mean": {"relative": 0.05}, "economics.inmb": {"relative": 0.1}}
    evidence = hs.validate(real, [drawn(real, 2)], margins=asked, economics={"wtp": 20000, "comparator": "a"})
    amounts = {key for key, estimand in ESTIMANDS.items() if estimand.unit == "money"}
    found = {one.key: one.unit for one in evidence.findings if one.key in amounts and one.verdict != "not estimable"}
    assert {"economics.inmb", "economics.incremental_cost", "costs.mean", "costs.difference"} <= set(found)
    assert set(found.values()) == {unit}
    evaluated = hs.evaluate(real).increments()
    assert unit in repr(hs.evaluate(real)) and unit in str(evaluated.inmb(20_000, unit=unit))


def test_rows_of_a_second_generation_say_so_in_each_finding_though_the_patients_are_real(real):
    evidence = hs.validate(real, [drawn(real, 2, depth=2)], "teaching")
    assert evidence.findings
    assert all("made from rows that were themselves synthetic" in one.because for one in evidence.findings)
    assert any("generation 2" in note for note in evidence.notes)
    first = hs.validate(real, [drawn(real, 2, depth=1)], "teaching")
    assert first.findings
    assert not any("rows that" in one.because or "themselves synthetic" in one.because for one in first.findings)


def test_findings_against_a_synthetic_cohort_say_so_though_the_copies_are_of_the_first_generation(real):
    source = drawn(real, 4, depth=1)
    evidence = hs.validate(source, [drawn(real, 2, depth=1)], "teaching", allow_synthetic_source=True)
    assert all("judged against rows that are themselves synthetic" in one.because for one in evidence.findings)
    assert not any("made from rows" in one.because for one in evidence.findings)


def test_rows_without_a_label_and_cohorts_left_out_of_a_release_are_told(real, syn):
    assert "2 of 2 cohorts carry no label: their origin is unknown." in hs.validate(real, syn, "teaching").notes
    part = hs.validate(real, [drawn(real, 2, m=3)], "teaching").notes
    assert any(note.startswith("1 of the 3 cohorts of release 1a2b were checked") for note in part)


@pytest.mark.parametrize("name", ["heor", "bootstrap", "marginals"])
def test_what_a_generator_sets_equal_are_facts_that_fix_an_estimand(name: str):
    trial = hs.datasets.simulated_trial(60, seed=1)[0]
    fixing = {fact for estimand in ESTIMANDS.values() for fact in estimand.fixed_by}
    assert set(hs.generators.create(name).fit(trial).calibrated) <= fixing == set(facts.FACTS)


@pytest.mark.parametrize(
    ("fact", "check"),
    [
        (facts.SURVIVAL_CURVES, {"survival"}),
        (facts.RESTRICTED_MEANS, {"survival"}),
        (facts.COUNTS, {"subgroups"}),
        (facts.MEAN_COSTS, {"costs", "economics"}),
        (facts.NO_COST, {"costs"}),
        (facts.MEAN_EFFECTS, {"utilities", "economics"}),
        (facts.COVARIANCES, {"structure"}),
    ],
)
def test_a_fact_fixes_estimands_of_its_own_checks(fact, check):
    assert {estimand.check for estimand in ESTIMANDS.values() if fact in estimand.fixed_by} == check


def test_what_a_generator_sets_equal_is_marked_in_the_evidence_of_a_whole_cohort():
    trial = hs.datasets.simulated_trial(120, seed=1)[0]
    copies = hs.generators.create("heor").fit(trial).sample(m=1)
    evidence = hs.validate(trial, copies, economics={"wtp": 20_000})
    asked = set(plan(trial, "economic-evaluation", None, {"wtp": 20_000}).margins)
    kept = {fact for found in heor.BY_CONSTRUCTION.values() for fact in found}
    expected = {key for key in asked if set(ESTIMANDS[key].fixed_by) & kept}
    assert len(expected) > 10
    found = {one.key for one in evidence.findings}
    assert {one.key for one in evidence.findings if one.constructed} == expected & found


def attacked_within(real: Cohort, synthetic: Cohort, unseen: Cohort) -> dict[tuple[str, str, str], float]:
    """Success on people never seen, by attack, what is tried and group."""
    asked = {key: margin_for(key, {"absolute": 0.05}) for key in (*REPEATED_ATTACKS, *BY_GROUP)}
    found = registry.findings("disclosure", real, [synthetic], asked, np.random.default_rng(1), unseen)
    return {(one.key, one.estimand, one.group): one.real for one in found if one.verdict != "not estimable"}


@pytest.mark.parametrize(("column", "copied", "fresh"), [("sex", "f", "m"), ("arm", "a", "b")])
def test_an_attack_within_a_group_is_held_against_the_people_of_that_group_who_were_not_seen(
    real, column, copied, fresh
):
    """Rows of one level are people of the hold-out, rows of the other are nobody: only the first are found again."""
    unseen, other = drawn(real, 9), rows(5)
    mine = rows(9)[column] == copied
    mixed = pd.concat([rows(9)[mine], other[other[column] == fresh]], ignore_index=True)
    control = attacked_within(real, Cohort.derive(real.schema, mixed, label=None), unseen)
    told = {(key, what) for key, what, group in control if group == f"{column}={copied}"}
    assert {key for key, _ in told} == {*REPEATED_ATTACKS, *BY_GROUP}
    for key, what in told:
        if key in BY_GROUP:  # their success is of telling patients from people not seen, who are copied here
            continue
        among, elsewhere, all_of_them = (
            control[key, what, group] for group in (f"{column}={copied}", f"{column}={fresh}", "all")
        )
        assert elsewhere < all_of_them < among, (key, what)


def with_other_men(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, in which men have exchanged what was measured: the space of points stays the same."""
    other, men = frame.copy(), np.flatnonzero(frame["sex"] == "m")
    for step, name in enumerate(("time", "event", "age", "cost", "qaly")):
        other.loc[other.index[men], name] = frame[name].to_numpy()[np.roll(men, 7 * step + 7)]
    return other


WITHIN = [
    (key, changed)
    for key in (*BY_GROUP, *REPEATED_ATTACKS)
    for changed in ("patients", "rows", "people not seen")
    if (key, changed) not in (("disclosure.singling_out", "rows"), ("disclosure.marginal", "rows"))
]
"""Which rows are described decides how many chances are taken of the stream that the groups share. Single columns do
not tell in which row a value stands."""


@pytest.mark.parametrize(("key", "changed"), WITHIN)
def test_an_attack_within_a_group_takes_nobody_else(real, key, changed):
    """Men may be who they like, among patients, rows or people not seen: the findings for women stay what they were.

    Rows lie near people and equal none: whom of several copies is nearest, at a distance of 0, rounding decides.
    """
    margin = {key: margin_for(key, {"absolute": 0.05})}
    copies = pd.concat([rows(1)[:60], rows(9)[:60]], ignore_index=True)
    for name in ("time", "age", "cost", "qaly"):
        copies[name] += 0.003 * copies[name].std() * np.random.default_rng(3).random(len(copies))
    parts = {"patients": rows(1), "rows": copies, "people not seen": rows(9)}
    found = []
    for frames in (parts, {**parts, changed: with_other_men(parts[changed])}):
        patients, made, unseen = (Cohort.derive(real.schema, frame, label=None)
                                  for frame in frames.values())  # fmt: skip
        judged = registry.findings("disclosure", patients, [made], margin, np.random.default_rng(1), unseen)
        assert {one.n_real for one in judged if one.group == "sex=f"} == {int((patients.frame["sex"] == "f").sum())}
        found.append({(one.estimand, one.group): one.difference for one in judged if one.group in ("sex=f", "sex=m")})
    moved = {group for (what, group), value in found[0].items() if abs(value - found[1][what, group]) > 1e-9}
    assert moved == {"sex=m"}


@pytest.mark.parametrize("level", ["f", "m"])
def test_nearness_within_a_group_is_that_of_its_own_rows_patients_and_people_not_seen(real, level):
    key, made, unseen = "disclosure.nearest", drawn(real, 2), drawn(real, 9)
    judged = registry.findings(
        "disclosure", real, [made], {key: margin_for(key, {"absolute": 0.05})}, np.random.default_rng(1), unseen
    )
    space = Space.of(real, [made], unseen)
    rows_, patients, others = (
        space.of_cohort(one.take(np.flatnonzero(one.frame["sex"] == level))).points for one in (made, real, unseen)
    )
    expected = records.nearness(rows_, patients, others, np.random.default_rng(1))
    (found,) = [one for one in judged if one.group == f"sex={level}"]
    assert found.difference == pytest.approx(expected.excess, abs=1e-9)
    assert found.upper - found.lower == pytest.approx(2 * 1.6448536 * expected.se, rel=1e-6)
