"""What was made fast in a draw and a fit gives what the plain way gives: heaps, roundness, states, repeated noise."""

import numpy as np
import pytest

from heorsynth.core.random import stream
from heorsynth.data.labels.watermark import heaped, quartiles
from heorsynth.data.labels.watermark_detection import tail_of_signs
from heorsynth.data.rules.level_rules import Statement
from heorsynth.generators.heor.groups import Groups
from heorsynth.generators.heor.outcome import systematic_sample
from heorsynth.generators.latent.dependence import Dependence, with_same_noise
from heorsynth.generators.latent.products import Products
from heorsynth.generators.rules.drawn import States
from heorsynth.generators.sampling.watermarking import _roundness


@pytest.mark.parametrize("n", [1, 2, 3, 17, 418, 4000])
def test_quartiles_and_heaps_of_ascending_values_are_those_of_the_general_functions(n: int) -> None:
    rng = stream(1, "heaps", n)
    for values in (rng.normal(size=n), rng.normal(size=n).round(1), np.round(rng.exponential(size=n))):
        ordered = np.sort(values)
        assert quartiles(ordered) == tuple(np.quantile(values, [0.25, 0.75]).tolist())
        _, place, counts = np.unique(ordered, return_inverse=True, return_counts=True)
        assert (heaped(ordered, 0.03) == (counts > max(5.0, 0.03 * n))[place]).all()
    assert not len(heaped(np.zeros(0), 0.1))


def test_the_roundness_of_a_number_counts_all_its_units() -> None:
    whole = np.concatenate([np.arange(-200, 2001), 10 ** np.arange(12), 5 * 10 ** np.arange(11)])
    units = [unit for power in range(9) for unit in (5 * 10**power, 10 ** (power + 1))]
    assert (_roundness(whole / 100, 2) == sum((whole % unit == 0).astype(int) for unit in units)).all()


def test_the_tail_of_signs_counts_every_outcome() -> None:
    sizes = np.array([1.0, 1, 2, 2, 3, 3, 4, 5, 5, 6, 8, 10])  # their sum divides the steps of the exact tail
    signed = sizes * stream(2, "signs").choice([-1, 1], 12)
    signs = 2 * (np.arange(2**12)[:, None] >> np.arange(12) & 1) - 1
    assert tail_of_signs(signed) == (signs @ sizes >= signed.sum()).mean()


def test_a_systematic_sample_takes_a_row_where_the_sum_of_chances_passes_a_whole_number() -> None:
    chance = stream(3, "chances").random(200)
    sums = np.floor(np.cumsum(chance) + stream(4, "start").random())
    assert (systematic_sample(chance, stream(4, "start")) == (np.diff(np.append(0.0, sums)) > 0)).all()
    assert not len(systematic_sample(np.zeros(0), stream(4, "start")))


@pytest.mark.parametrize("level", [False, True])
def test_rows_are_placed_in_the_groups_of_their_states_as_text(level: bool) -> None:
    rng = stream(5, "states")
    columns = {
        "stage": rng.choice(np.array(["1", "2", ""], dtype=object), 300),
        "bili": np.where(rng.random(300) < 0.2, np.nan, rng.integers(0, 3, 300).astype(float)),
        "ended": np.array(["0", "1"])[rng.integers(0, 2, 300)],
    }
    tests = (Statement("bili", state="missing"), Statement("stage", value=2), Statement("bili", value=1.0))
    states = States((*tests, Statement("ended")) if level else tests).counted(columns, 40)
    text = states.raw(columns)
    plain = Groups.of(np.where(np.isin(text, states.known), text, "other"))
    found = Groups.named(*states.placed(columns))
    assert "other" in found.parts and found.parts.keys() == plain.parts.keys()
    assert all((rows == plain.parts[name]).all() for name, rows in found.parts.items())


@pytest.mark.parametrize("n", [20, 4500])
def test_repeated_noise_gives_the_latents_of_each_law(n: int) -> None:
    rng = stream(6, "laws")
    scores, root = rng.normal(size=(n, 3)), np.linalg.cholesky(np.eye(3) / 2 + 0.5)
    for some in (0, 2):
        first, second, column = np.array([[0, 1], [2, 4], [3, 0]])[:, :some]
        products = Products(root, first, second, column, *np.ones((4, some)))
        latents = with_same_noise((scores - 0.5) / 2.0, 4, products, stream(7, "noise"))
        for turn in range(2):
            factor = np.linalg.cholesky(np.eye(4) + 0.1 * turn)
            law = Dependence(np.full(3, 0.5), np.full(3, 2.0), rng.normal(size=(3, 4)), factor, products)
            assert latents(law).tobytes() == law.latents(scores, stream(7, "noise")).tobytes()
