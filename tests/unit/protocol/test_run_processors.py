"""Two processors give one SHA256SUMS: the kernels of OpenBLAS that this machine can run stand for them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.planning.catalogue import borne_out
from heorsynth.core.estimate import significant, stable

CORETYPES = ("Nehalem", "Sandybridge", "Haswell", "SkylakeX")
PROTOCOLS = {
    "trial": """\
heorsynth: 1
title: Two processors
purpose: economic-evaluation
cohort: {source: {simulated: {n: 90, seed: 2}}}
generator: {name: heor, n: same, m: 2, most_cohorts: 2, seed: 1}
economics: {comparator: usual, wtp: [20000]}
margins: {disclosure.membership: {absolute: 0.1}, structure.propensity: {absolute: 0.1}}
holdout: 0.3
""",
    "pbc": """\
heorsynth: 1
title: Two processors
purpose: economic-evaluation
cohort: {source: {dataset: pbc}, endpoints: {os: [time, event]}, arm: trt, subgroups: [sex], unit: day}
generator: {name: heor, n: same, m: 2, most_cohorts: 2, seed: 20261123}
""",
}


PRODUCT = """
import hashlib, numpy as np, scipy.linalg, threadpoolctl
x = np.random.default_rng(1).normal(size=(120, 80))
product = hashlib.sha256((x.T @ x).tobytes()).hexdigest()
print(*sorted({one.get("architecture") for one in threadpoolctl.threadpool_info()}, key=str), product)
"""
"""Prints whose kernels were loaded, and a matrix product to its last bit."""


def on(coretype: str, code: str) -> str:
    """What Python code prints with the kernels of a processor; "" where this one cannot run them."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": coretype}
    asked = [sys.executable, "-c", code]
    return subprocess.run(asked, env=environment, stdout=subprocess.PIPE, text=True, check=False).stdout


@pytest.fixture(scope="module")
def kernels() -> list[str]:
    """The first and the last of the processors whose kernels load here, as OpenBLAS itself says."""
    own = [name for name in CORETYPES if on(name, PRODUCT).split(" ")[0] == name]
    if len(own) < 2:
        pytest.skip(f"OpenBLAS has kernels for {len(own)} kind of processor on this machine")
    return [own[0], own[-1]]


@pytest.mark.long
@pytest.mark.parametrize("name", PROTOCOLS)
def test_two_processors_give_one_sha256sums(kernels: list[str], tmp_path: Path, name: str) -> None:
    protocol = tmp_path / f"{name}.yaml"
    protocol.write_text(PROTOCOLS[name], encoding="utf-8")
    sums = []
    for kernel in kernels:
        told = on(kernel, f"import heorsynth as hs; print(hs.run({str(protocol)!r}, out={str(tmp_path / kernel)!r}))")
        assert "Two processors" in told
        (folder,) = (tmp_path / kernel).iterdir()
        sums.append((folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert sums[0] == sums[1]


def test_the_two_kernels_differ_in_the_last_digits_so_that_the_test_above_can_fail(kernels: list[str]) -> None:
    products = [on(kernel, PRODUCT).split(" ")[1] for kernel in kernels]
    assert products[0] != products[1]


def test_a_written_number_has_nine_digits_and_none_finer_than_what_it_came_from() -> None:
    for value, size, written in (
        (2 / 3, 0.0, 0.666666667), (1e-20, 0.0, 1e-20), (1.0000000004, 0.0, 1.0), (-2.2e-16, 1.0, 0.0),
        (3.6e-12, 12345.678, 0.0), (123456.7890123, 1.0, 123456.789), (1234567890123.0, 0.0, 1234567890000.0),
        (0.0, 5.0, 0.0), (np.inf, 1.0, np.inf),
    ):  # fmt: skip
        assert stable(value, size) == written
        assert stable(stable(value, size), size) == stable(value, size)
    assert np.isnan(stable(np.nan, 1.0)) and str(stable(-1e-17, 1.0)) == "0.0"


def test_a_half_is_shown_alike_whichever_side_of_it_the_last_digit_lies() -> None:
    below, above = np.nextafter(2.675, 0), np.nextafter(2.675, 9)
    assert significant(below, 3) == significant(above, 3)


def test_no_number_of_a_run_has_more_than_nine_digits_and_verdicts_follow_from_them(small_run: "hs.Run") -> None:
    facts = json.loads((small_run.path / "verdict.json").read_text(encoding="utf-8"))
    names = ("real", "synthetic", "difference", "lower", "upper", "margin", "floor", "overlap", "standardised")
    numbers = [one[name] for one in facts["findings"] for name in names if one[name] is not None]
    assert len(numbers) > 500
    assert all(number == float(f"{number:.9g}") for number in numbers)
    scalar = [one for one in small_run.evidence.findings if one.known]
    assert len(scalar) > 30
    assert all(borne_out(one) for one in small_run.evidence.findings)
    table = (small_run.path / "evidence.csv").read_text(encoding="utf-8")
    assert f",{scalar[0].real!r}," in table
