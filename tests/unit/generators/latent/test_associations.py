"""The associations that a law keeps: which form they have, and what is refused of very many columns."""

import numpy as np
import pytest

from heorsynth.core.errors import GeneratorError
from heorsynth.generators.latent.associations import associations, correlated_patients, require_dense
from heorsynth.generators.latent.dependence import Thresholds
from heorsynth.generators.latent.wide import MOST_DENSE, WideTarget


def test_an_option_that_needs_all_correlations_is_refused_by_name_of_too_many_columns():
    require_dense(MOST_DENSE, keep=True, borrow=True, cluster=True)
    require_dense(MOST_DENSE + 1, keep=False, cluster=False)
    with pytest.raises(GeneratorError, match=r"borrow.*301 latent columns(.|\n)*drop borrow(.|\n)*cluster"):
        require_dense(MOST_DENSE + 1, keep=False, borrow=True, cluster=True)


def test_all_patients_are_used_and_a_sample_of_very_many_each_once():
    assert correlated_patients(70, np.random.default_rng(1)).tolist() == list(range(70))
    many = correlated_patients(60_000, np.random.default_rng(1))
    assert len(many) == 50_000 and (np.diff(many) > 0).all() and many[-1] < 60_000


@pytest.mark.parametrize(("columns", "wide"), [(30, False), (MOST_DENSE + 1, True)])
def test_the_form_follows_the_number_of_latent_columns(columns, wide):
    rng = np.random.default_rng(2)
    scores, held = rng.standard_normal((80, 2)), rng.standard_normal((80, columns))
    owner = np.arange(columns)
    target, _ = associations(
        scores, held, np.ones_like(held, dtype=bool), owner, owner, 1, 0, Thresholds(2.5, 2.0, 1.0), 5, rng
    )
    assert isinstance(target, WideTarget) == wide
    assert wide or target.shape == (columns + 2, columns + 2)
