"""Attacks by hand and against closed forms; what the check says where it cannot judge."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.privacy import attempts
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.checks.privacy.estimands import NEAREST, STREAMS
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.attacks import guesses, members, records
from heorsynth.estimators.attacks.attack import Attack

KEYS = tuple(estimand.key for estimand in STREAMS)
MARGINS = {key: margin_for(key, {"absolute": 0.05}) for key in KEYS}


def normals(n: int, seed: int, k: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


def membership(rows, source, unseen, rng) -> Attack:
    return members.separation(members.density_ratio(rows, source, unseen))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_nearness_by_hand_counts_a_row_for_everyone_as_near():
    source, unseen = np.array([[0.0], [10.0]]), np.array([[4.0], [20.0]])
    rows = np.array([[1.0], [2.0], [3.0], [19.0]])  # nearer to: source, both, unseen, unseen
    assert records.nearness(rows, source, unseen, rng()).success == pytest.approx(1.5 / 4)


def test_nearness_has_the_variance_of_dealing_out_who_is_in_the_source():
    people, rows = normals(40, 1), normals(500, 2)
    dealt = []
    for seed in range(4000):
        order = np.random.default_rng(seed).permutation(40)
        near, far = (attacks_distance(rows, people[part]) for part in (order[:20], order[20:]))
        dealt.append((near < far).mean())
    found = records.nearness(rows, people[:20], people[20:], rng())
    assert np.mean(dealt) == pytest.approx(0.5, abs=4 * found.se / np.sqrt(4000))
    # the standard deviation of 4,000 draws is known to 1.1%: four of those
    assert np.std(dealt) == pytest.approx(found.se, rel=0.045)


def attacks_distance(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    return np.sqrt(((rows[:, None, :] - people[None]) ** 2).sum(axis=2)).min(axis=1)


def test_where_many_people_are_alike_every_row_is_undecided_and_nothing_is_uncertain():
    source, unseen, rows = (np.round(normals(300, seed, k=1)) for seed in (1, 2, 3))
    found = records.nearness(rows, source, unseen, rng())
    assert found.success == pytest.approx(0.5, abs=0.02)
    assert found.se < 0.02


def test_the_nearest_other_person_may_be_at_the_same_place_but_is_not_oneself(monkeypatch):
    people = np.array([[0.0], [3.0], [3.0], [10.0]])
    assert records.nearest_other(people).tolist() == [3.0, 0.0, 0.0, 7.0]
    monkeypatch.setattr(records, "_CHUNK", 3)
    assert records.nearest_other(people).tolist() == [3.0, 0.0, 0.0, 7.0]


def test_nearness_to_copies_is_one():
    source = normals(50, 1)
    for n in (10, 50, 400):
        assert records.nearness(source, source, normals(n, 2), rng()).success == 1.0


def test_nearness_is_one_half_without_memory_whatever_the_sizes_and_however_coarse():
    for sizes in ((300, 100), (100, 300), (200, 200)):
        found = []
        for seed in range(60):
            people = (np.round(normals(n, 3 * seed + part)) for part, n in enumerate((*sizes, 500)))
            source, unseen, rows = people
            found.append(records.nearness(rows, source, unseen, rng()))
        mean_se = np.mean([one.se for one in found]) / np.sqrt(60)
        assert np.mean([one.success for one in found]) == pytest.approx(0.5, abs=4 * mean_se)


def test_membership_is_the_area_under_the_roc_curve_of_its_scores():
    source, unseen, rows = normals(40, 1), normals(40, 2), normals(200, 3)
    found = members.separation(members.density_ratio(rows, source, unseen))
    people = np.concatenate([source, unseen])
    around = np.array([attacks_distance(people[[i]], np.delete(people, i, axis=0))[0] for i in range(80)])
    scores = np.log(around / attacks_distance(people, rows))
    assert found.success == pytest.approx(roc_auc_score(np.repeat([1, 0], 40), scores), abs=1e-9)


@pytest.mark.parametrize("sizes", [(60, 60), (100, 40)])
@pytest.mark.parametrize("attack", [records.nearness, membership])
def test_an_interval_of_fresh_people_holds_no_excess_in_nine_of_ten(attack, sizes):
    inside = 0
    for seed in range(300):
        source, unseen, rows = (normals(n, 3 * seed + part) for part, n in enumerate((*sizes, 100)))
        found = attack(rows, source, unseen, np.random.default_rng(seed))
        inside += abs(found.excess) <= 1.645 * found.se
    assert 0.83 <= inside / 300 <= 0.97  # binomial(300, 0.9): 4 standard errors are 0.07


def test_inference_by_hand():
    rows = np.array([[0.0], [10.0]]), np.array([5.0, 50.0])
    source = np.array([[1.0], [9.0], [8.0]]), np.array([5.2, 50.0, 40.0])  # within 1 of the nearest row's: two of three
    unseen = np.array([[2.0], [7.0]]), np.array([9.0, 50.0])  # one of two
    found = guesses.inference(rows, source, unseen, 1.0, rng())
    assert (found.success, found.control) == (pytest.approx(2 / 3), 0.5)


def test_a_guess_of_a_negative_number_is_no_success_by_itself():
    rows = np.array([[0.0]]), np.array([-100.0])
    people = np.zeros((6, 1)), np.array([-1.0, -2.0, -3.0, 5.0, 1.0, 2.0])
    assert guesses.inference(rows, people, people, 0.5, rng()).success == 0.0


def test_linking_by_hand():
    cohort = np.array([[0.0], [10.0]]), np.array([[0.0], [10.0]])
    source = np.array([[1.0], [9.0]]), np.array([[1.0], [1.0]])  # the second is led to two different rows
    found = guesses.linking([cohort], source, (source[0][:1], source[1][:1]))
    assert (found.success, found.control, found.guessing) == (0.5, 1.0, 0.5)


def test_a_description_of_levels_and_numbers_fits_whom_it_should():
    people = np.array([[0.0, 30.0], [1.0, 30.0], [1.0, 70.0], [1.0, np.nan]])
    numeric, middle = np.array([False, True]), np.array([0.0, 50.0])

    def fits(row: list[float]) -> list[bool]:
        told = zip(people.T, np.array(row)[:, None], numeric, middle, strict=True)
        return np.logical_and.reduce([guesses._described(*one)[0] for one in told]).tolist()

    assert fits([1.0, 60.0]) == [False, False, True, False]  # at least 60
    assert fits([1.0, 40.0]) == [False, True, False, False]  # at most 40
    assert fits([1.0, np.nan]) == [False, False, False, True]


def test_copies_count_missing_values_as_equal_and_no_copy_is_no_proof():
    source = np.array([[1.0, np.nan], [2.0, 3.0]])
    found = records.copies(np.array([[1.0, np.nan], [2.0, np.nan]]), source, None, rng())
    assert found.success == 0.5
    none = records.copies(np.array([[9.0, 9.0]] * 8), source, None, rng())
    assert none.success == 0.0 and none.se == pytest.approx(np.sqrt(0.1 * 0.9 / 10))


def people(n: int, seed: int, levels: tuple[str, ...] = ("f", "m")) -> Cohort:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "time": rng.exponential(3, n) + 0.01, "event": rng.integers(0, 2, n), "arm": rng.choice(["new", "old"], n),
        "sex": rng.choice(levels, n), "age": rng.normal(60, 9, n), "cost": rng.gamma(2, 500, n),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    return Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", subgroups=["sex"], costs="cost", unit="year")


def found_in(real: Cohort, synthetic: list[Cohort], holdout: Cohort | None):
    return registry.findings("disclosure", real, synthetic, MARGINS, np.random.default_rng(1), holdout)


def test_points_are_scaled_by_people_and_a_missing_number_lies_at_their_centre():
    real, unseen = people(200, 1), people(200, 2)
    space = Space.of(real, [people(50, 3)], unseen)
    together = space.joined([real, unseen]).points
    assert together.mean(axis=0) == pytest.approx(np.zeros(together.shape[1]), abs=1e-9)
    age = list(space.owners).index("age")
    assert np.all(space.of_cohort(real).points[real.frame["age"].isna(), age] == 0)
    assert len(space.coordinates({"age"})) == 2  # the number, and whether it is missing


def test_a_hold_out_that_holds_the_sources_patients_is_refused():
    real = people(100, 1)
    mixed = Cohort.derive(real.schema, pd.concat([people(80, 2).frame, real.frame.head(20)]), label=None)
    found = [f for f in found_in(real, [people(100, 3)], mixed) if f.key != "disclosure.copies"]
    assert {f.verdict for f in found} == {"not estimable"}
    refits = ("disclosure.differencing", "disclosure.differencing_levels", "disclosure.extreme_patients")
    assert all("never saw" in f.because for f in found if f.key not in refits)  # those need refits and no hold-out


def test_each_arm_and_subgroup_is_shown_and_a_group_of_few_is_not():
    real = people(120, 1, ("f", "m", "x"))
    frame = real.frame
    frame.loc[frame.index[frame["sex"] == "x"][3:], "sex"] = "f"
    real = Cohort.derive(real.schema, frame, label=None)
    found = {f.group: f for f in found_in(real, [people(100, 3)], people(100, 2)) if f.key == "disclosure.membership"}
    assert set(found) == {"all", "arm=new", "arm=old", "sex=f", "sex=m", "sex=rare level 1"}
    assert found["sex=rare level 1"].verdict == "not estimable"
    assert [f.decisive for f in found.values()] == [True, True, True, False, False, False]


def test_patients_less_exposed_than_others_are_no_failure():
    real = people(50, 1)
    scope = registry.scope_of(real, [real], {NEAREST.key: MARGINS[NEAREST.key]}, rng())
    attempt = attempts.Attempt(
        NEAREST,
        MARGINS[NEAREST.key],
        scope,
        scope.everyone,
        space=Space.of(real, [real], None),
        unseen=real,
        chance=rng(),
    )
    finding = attempt.exposure("x", Attack(0.2, 0.5, 0.01))
    assert finding.verdict == "pass"
    assert finding.upper < -0.05


def test_no_value_of_a_patient_is_in_a_finding():
    real = people(60, 1)
    told = repr([(f.estimand, f.group, f.because) for f in found_in(real, [people(60, 3)], people(60, 2))])
    assert not any(f"{cost:.1f}" in told for cost in real.frame["cost"])


def test_asking_for_one_attack_gives_what_asking_for_all_gives():
    cohorts = people(80, 1), [people(80, 3)], people(80, 2)
    of_all = {(f.key, f.group, f.estimand): f.difference for f in found_in(*cohorts)}
    for key in KEYS:
        alone = registry.findings("disclosure", *cohorts[:2], {key: MARGINS[key]}, np.random.default_rng(1), cohorts[2])
        assert [of_all[f.key, f.group, f.estimand] for f in alone] == [f.difference for f in alone]


def test_a_near_copy_is_near_in_every_coordinate_and_the_control_is_people_never_seen():
    source, unseen = np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[5.0, 5.0], [7.0, 7.0]])
    rows = np.array([[0.04, -0.04], [0.04, 0.06], [5.01, 5.0], [3.0, 3.0]])  # near ours, near none, near theirs, none
    found = records.near_copies(rows, source, unseen, 0.05, rng())
    assert (found.success, found.control) == (0.25, 0.25)


def test_a_tenth_of_patients_moved_a_little_are_near_copies_and_fresh_rows_are_none_beyond_chance():
    source, unseen, fresh = (normals(300, seed) for seed in (1, 2, 3))
    mixed = fresh.copy()
    mixed[:30] = source[:30] + 0.01 * normals(30, 4)
    found = records.near_copies(mixed, source, unseen, 0.05, rng())
    assert found.excess == pytest.approx(0.1, abs=0.03)
    assert found.excess > 3 * found.se
    assert abs(records.near_copies(fresh, source, unseen, 0.05, rng()).excess) < 0.02


def test_the_error_of_near_copies_holds_where_rows_crowd_around_few_people():
    found = []
    for seed in range(200):
        people = np.round(normals(60, seed, k=1) * 2) / 2
        rows = np.round(normals(400, 5000 + seed, k=1) * 2) / 2
        found.append(records.near_copies(rows, people[:30], people[30:], 0.05, rng()))
    wrong = np.mean([abs(one.excess) > 1.645 * one.se for one in found])
    assert wrong <= 0.16, "10% and four binomial standard errors"


def trial(n: int, seed: int) -> Cohort:
    chance = np.random.default_rng(seed)
    drug, hospital = chance.gamma(2, 500, n), chance.gamma(1, 900, n)
    rows = pd.DataFrame({"age": chance.normal(60, 9, n), "bmi": chance.normal(25, 3, n), "drug": drug,
                         "hospital": hospital, "cost": drug + hospital, "qaly": chance.uniform(0, 1, n),
                         "time": chance.uniform(1, 4, n), "event": chance.integers(0, 2, n)})  # fmt: skip
    return Cohort(rows, endpoints={"os": ("time", "event")}, costs=["cost"], utilities=["qaly"],
                  totals={"cost": ["drug", "hospital"]}, currency="EUR", unit="year")  # fmt: skip


def test_the_parts_of_a_declared_total_are_secrets_and_known_to_no_intruder():
    key, real, unseen = "disclosure.attribute", trial(120, 1), trial(120, 2)
    found = registry.findings("disclosure", real, [trial(120, 3)], {key: MARGINS[key]}, rng(), unseen)
    guessed = {one.estimand for one in found}
    assert guessed == {f"guessing {name} from covariates" for name in ("time", "drug", "hospital", "qaly")}
    space = Space.of(real, [real], unseen)
    assert attempts._covariates(real, space) == {"age", "bmi"}


def test_a_copied_part_is_found_out():
    key, real, unseen = "disclosure.attribute", trial(300, 1), trial(300, 2)
    found = registry.findings("disclosure", real, [real], {key: MARGINS[key]}, rng(), unseen)
    drug = next(one for one in found if "drug" in one.estimand)
    assert drug.verdict == "fail" and drug.synthetic == 1.0
