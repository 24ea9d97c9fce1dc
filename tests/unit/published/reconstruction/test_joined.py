"""Two endpoints of the same patients: the first never after the last, or the contradiction is told."""

import numpy as np
import pytest
from published_figures import figure

import heorsynth as hs
from heorsynth.core.errors import CurveError
from heorsynth.published.reconstruction.joined import assigned


@pytest.fixture(scope="module")
def both() -> tuple[hs.published.ReconstructedCohorts, hs.published.ReconstructedCohorts]:
    """Progression-free and overall survival of ACT-1."""
    return tuple(
        hs.published.reconstruct(*figure(name), m=3, endpoint=endpoint)
        for name, endpoint in [("ACT1_3A", "pfs"), ("ACT1_2A", "os")]
    )


def test_progression_never_comes_after_death(both: tuple[hs.published.ReconstructedCohorts, ...]) -> None:
    pfs, os = both
    for joined, one, other in zip(hs.published.joined(pfs, os), pfs, os, strict=True):
        frame = joined.frame
        assert (frame["pfs_time"] <= frame["os_time"]).all() and list(joined.schema.endpoints) == ["pfs", "os"]
        for name, own in [("pfs", one), ("os", other)]:
            assert frame[f"{name}_event"].sum() == own.frame["event"].sum()
            moved = np.abs(np.sort(frame[f"{name}_time"]) - np.sort(own.frame["time"]))
            assert np.quantile(moved, 0.95) < 0.01 * own.frame["time"].max()


def test_a_loss_to_the_first_endpoint_is_matched_with_a_loss_where_one_is_left() -> None:
    rng = np.random.default_rng(1)
    place, _, _ = assigned(np.array([1.0, 1.0]), np.array([0, 1]), np.array([2.0, 3.0]), np.array([1, 0]), "", rng)
    assert place[0] == 1 or place[1] == 1
    lost, _, _ = assigned(np.array([1.0, 0.5]), np.array([0, 1]), np.array([2.0, 3.0]), np.array([1, 0]), "", rng)
    assert lost.tolist() == [1, 0]


def test_curves_that_cross_are_told_to_be_infeasible(both: tuple[hs.published.ReconstructedCohorts, ...]) -> None:
    with pytest.raises(CurveError, match=r"infeasible: \d+ of \d+ first times exceed every last time left"):
        hs.published.joined(both[1], both[0])


def test_other_patients_are_refused(both: tuple[hs.published.ReconstructedCohorts, ...]) -> None:
    other = hs.published.reconstruct(*figure("ACT2_2A"), m=2, endpoint="pfs", unit="week")
    with pytest.raises(CurveError) as caught:
        hs.published.joined(other, both[1])
    assert {problem.where for problem in caught.value.problems} == {"m", "unit", "arm"}
    with pytest.raises(CurveError, match="both are 'os'"):
        hs.published.joined(both[1], both[1])
