"""Keeps what several purposes ask of the same cohorts, so that it is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary, ref

import numpy as np

from heorsynth.data.cohort.cohort import Cohort

_Made = TypeVar("_Made")

_HELD: WeakKeyDictionary[Cohort, tuple[list[ref[Cohort]], dict[Hashable, Any]]] = WeakKeyDictionary()
"""Of each real cohort: the synthetic cohorts it was compared with last, and what was computed of both."""


def kept(
    real: Cohort, synthetic: Sequence[Cohort], key: Hashable, rng: np.random.Generator, make: Callable[[], _Made]
) -> _Made:
    """Return what `make` gives, computed once for the same cohorts, key and state of the random stream.

    Parameters
    ----------
    real, synthetic      the same objects, which never change: equal cohorts are not recognised
    key                  everything else that the result depends on
    rng : Generator      is afterwards in the state in which `make` leaves it, also where the result was kept
    make : callable      () -> result

    Notes
    -----
    Only the synthetic cohorts that were compared last are remembered, and nothing outlives the real cohort.
    """
    held = _HELD.get(real)
    if (
        held is None
        or len(held[0]) != len(synthetic)
        or any(one() is not other for one, other in zip(held[0], synthetic, strict=True))
    ):
        held = _HELD[real] = [ref(one) for one in synthetic], {}
    place = key, repr(rng.bit_generator.state)
    if place not in held[1]:
        held[1][place] = make(), rng.bit_generator.state
    made, rng.bit_generator.state = held[1][place]
    return cast(_Made, made)
