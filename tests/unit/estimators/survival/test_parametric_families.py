"""The derivatives of the likelihoods of the parametric families, against differences of the likelihood itself."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.basics.maximum import gradient
from heorsynth.estimators.survival.parametric_families import FAMILIES, Ends


def ends(*, delayed: bool) -> Ends:
    rng = np.random.default_rng(11)
    death, left = rng.weibull(1.3, 120), rng.uniform(0.2, 2, 120)
    time, died = np.minimum(death, left), (death <= left).astype(float)
    count = np.ones(120) + 2 * (np.arange(120) % 3)
    late = time[::4] * rng.uniform(0.1, 0.8, 30) if delayed else np.zeros(0)
    return Ends.of([(time, died, count, late)])


def losses(family: str, given: Ends, thetas: np.ndarray) -> np.ndarray:
    return np.array([FAMILIES[family].losses(given, theta[None])[0] for theta in thetas])


def slopes_of(family: str, given: Ends, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slope, curvature = FAMILIES[family].slopes(given, theta[None])
    return slope[0], curvature[0]


def second_derivatives(family: str, given: Ends, theta: np.ndarray) -> np.ndarray:
    """Central differences of the gradient."""
    step = 1e-4

    def slope(at: np.ndarray) -> np.ndarray:
        return gradient(lambda several: losses(family, given, several), at)

    rows = [(slope(theta + move) - slope(theta - move)) / (2 * step) for move in step * np.eye(len(theta))]
    return np.array(rows)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("delayed", [False, True])
def test_derivatives_are_those_by_differences(family: str, delayed: bool) -> None:
    given, law = ends(delayed=delayed), FAMILIES[family]
    places = [np.array(law.start), np.array(law.start) + 0.3, np.array([0.2, -0.1, -0.8])[: len(law.start)]]
    for theta in places:
        slope, curvature = slopes_of(family, given, theta)
        assert slope == pytest.approx(gradient(lambda at: losses(family, given, at), theta), abs=1e-9)
        assert curvature == pytest.approx(second_derivatives(family, given, theta), rel=1e-6, abs=1e-6)
        if law.rough is not None:
            first, second = law.rough(given, theta[None])
            assert first[0] == pytest.approx(slope, rel=1e-3, abs=1e-3)
            assert second[0] == pytest.approx(curvature, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("shape", [-0.03, -1e-5, 0.0, 0.019, 0.021, 0.5])
def test_derivatives_of_a_gompertz_hold_near_a_constant_hazard(shape: float) -> None:
    given = ends(delayed=True)
    theta = np.array([0.1, shape])
    slope, curvature = slopes_of("Gompertz", given, theta)
    assert slope == pytest.approx(gradient(lambda at: losses("Gompertz", given, at), theta), abs=1e-9)
    assert curvature == pytest.approx(second_derivatives("Gompertz", given, theta), abs=1e-6)


def test_the_log_normal_is_the_case_without_shape_and_the_weibull_that_of_shape_1() -> None:
    given, gamma = ends(delayed=True), "generalised gamma"
    for family, shape in (("log-normal", 0.0), ("Weibull", 1.0)):
        theta = np.array([0.1, -0.2])
        slope, curvature = slopes_of(family, given, theta)
        whole = slopes_of(gamma, given, np.append(theta, shape))
        more = losses(gamma, given, np.append(theta, shape)[None])
        assert more == pytest.approx(losses(family, given, theta[None]))
        assert whole[0][:2] == pytest.approx(slope, abs=1e-12)
        assert whole[1][:2, :2] == pytest.approx(curvature, abs=1e-12)
    assert FAMILIES["generalised gamma"].case == "Weibull"


@pytest.mark.parametrize("family", FAMILIES)
def test_survival_under_several_parameters_is_that_under_each(family: str) -> None:
    t = np.linspace(0.1, 4, 9)
    thetas = np.array([[0.2, -0.3, 0.7], [0.1, 0.2, 1e-5], [0.0, 0.1, -0.6], [0.0, 0.1, 12.0]])
    for chosen in (slice(0, 1), slice(2, 3), slice(None)):
        several = thetas[chosen, : len(FAMILIES[family].start)]
        each = [FAMILIES[family].logs(t, theta)[1] for theta in several]
        np.testing.assert_allclose(FAMILIES[family].survivals(t, several), each, rtol=1e-13)


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_of_unlike_size_are_each_what_it_is_alone(family: str) -> None:
    """Events, censorings and late entries differ in number, and the shapes take all of their signs and limits."""
    rng, samples = np.random.default_rng(2), []
    for n in (40, 61, 23, 30, 35):
        time, died = rng.weibull(1.2, n), (rng.random(n) < 0.6).astype(float)
        samples.append((time, died, np.ones(n), time[: n // 9] / 2 if n % 2 else np.zeros(0)))
    thetas = np.array([[0.1, -0.1, 0.8], [0.0, 0.2, -0.4], [0.2, 0.1, 2e-5], [0.1, 0.0, 0.9], [0.1, 0.0, 11.0]])
    thetas, together, law = thetas[:, : len(FAMILIES[family].start)], Ends.of(samples), FAMILIES[family]
    for rows in (np.arange(5), np.array([3, 0, 2])):
        alone = [Ends.of([samples[row]]) for row in rows]
        expected = [law.losses(one, thetas[[row]])[0] for row, one in zip(rows, alone, strict=True)]
        np.testing.assert_allclose(law.losses(together.take(rows), thetas[rows]), expected, rtol=1e-13)
        found = law.slopes(together.take(rows), thetas[rows])
        for place, (row, one) in enumerate(zip(rows, alone, strict=True)):
            slope, curvature = slopes_of(family, one, thetas[row])
            np.testing.assert_allclose(found[0][place], slope, rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(found[1][place], curvature, rtol=1e-7, atol=1e-7)
