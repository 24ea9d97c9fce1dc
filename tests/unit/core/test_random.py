"""Named random streams: a stream depends on its seed and its names alone."""

import hashlib

import numpy as np
import pytest

from heorsynth.core.errors import SeedError
from heorsynth.core.random import check_seed, derived_seed, resample_counts, stream


@pytest.mark.parametrize("seed", [-1, 1.0, True, "1", None])
def test_a_seed_is_a_whole_number_from_0_up(seed: object) -> None:
    with pytest.raises(SeedError, match="whole number from 0 up"):
        check_seed(seed)


def test_a_seed_of_numpy_is_taken() -> None:
    assert check_seed(np.int64(7)) == 7 and type(check_seed(np.int64(7))) is int


def test_a_stream_is_pcg64_seeded_by_the_hash_of_its_names() -> None:
    digest = hashlib.sha256(b"str:sample\x1fint:17").digest()
    parts = [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 32, 4)]
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence([1, *parts])))
    assert stream(1, "sample", 17).random(5).tolist() == expected.random(5).tolist()


def test_streams_of_other_names_types_and_seeds_differ() -> None:
    first = {stream(*told).integers(2**62) for told in ((1, "a", "b"), (1, "ab"), (1, "1"), (1, 1), (2, 1), (1,))}
    assert len(first) == 6


def test_a_derived_seed_fits_32_bits_and_is_that_of_its_stream() -> None:
    assert derived_seed(1, "fit") == int(stream(1, "fit").integers(2**32 - 1))
    assert all(0 <= derived_seed(1, name) < 2**32 for name in range(50))


@pytest.mark.parametrize("held", [1, 100, 2**18])
def test_counts_are_those_of_samples_drawn_one_by_one_however_many_are_held(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heorsynth.core.random._HELD", held)
    plain, found = np.random.default_rng(2), np.random.default_rng(2)
    expected = [np.bincount(plain.integers(37, size=37), minlength=37).tolist() for _ in range(9)]
    assert resample_counts(37, 9, found).tolist() == expected
    assert found.random() == plain.random()
