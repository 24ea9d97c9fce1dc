"""Guyot's algorithm gives back patients whose curve, numbers at risk and events determine them."""

import numpy as np

from heorsynth.published.reconstruction.guyot import guyot


def test_without_losses_every_patient_is_found() -> None:
    time = np.arange(0.0, 11.0)
    found = guyot(time, 1 - time / 10, np.array([0.0, 5.0]), np.array([10, 6]))
    assert sorted(found.time) == list(range(1, 11)) and found.event.all()


def test_losses_make_the_number_at_risk_the_published_one() -> None:
    time, survival = np.array([0.0, 1.0, 2.0, 5.0, 6.0]), np.array([1.0, 0.9, 0.8, 0.8, 0.6])
    found = guyot(time, survival, np.array([0.0, 5.0]), np.array([10, 4]))
    assert int((found.time >= 5).sum()) == 4 and len(found.time) == 10


def test_the_total_number_of_events_is_met_by_losses_in_the_last_interval() -> None:
    time, survival = np.arange(0.0, 9.0), np.array([1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4])
    events = [guyot(time, survival, np.array([0.0]), np.array([100]), total).event.sum() for total in (None, 50, 40)]
    assert events[0] == 60 and abs(events[1] - 50) <= 1 and abs(events[2] - 40) <= 1


def test_the_curve_of_the_patients_is_the_published_one() -> None:
    """Guyot's deaths are rounded, so a point may be off by half a death."""
    time, survival = np.arange(0.0, 9.0), np.array([1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4])
    found = guyot(time, survival, np.array([0.0, 4.0]), np.array([200, 120]))
    height = 1.0
    for at, published in zip(time[1:], survival[1:], strict=True):
        height *= 1 - (found.event[found.time == at].sum() / (found.time >= at).sum())
        assert abs(height - published) <= 0.5 / (found.time >= at).sum() + 1e-9
