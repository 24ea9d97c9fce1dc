"""A SAS transport file that was cut or is in another encoding is refused, and a single-arm ADTTE table is read."""

from pathlib import Path

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.sources.adtte import from_adtte


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return hs.write(hs.datasets.load("pbc"), tmp_path / "pbc.xpt")


@pytest.mark.parametrize("cut", [5, 100, 1000])
def test_a_transport_file_cut_within_its_rows_is_refused(written: Path, cut: int) -> None:
    written.write_bytes(written.read_bytes()[:-cut])
    with pytest.raises(errors.DamagedFileError, match="ends within a record"):
        hs.read(written)


def test_a_transport_file_in_another_encoding_is_refused_without_its_content(written: Path) -> None:
    written.write_bytes(written.read_bytes().replace(b"placebo", b"plac\xe9bo"))
    with pytest.raises(errors.EncodingError, match="not UTF-8") as caught:
        hs.read(written)
    assert "plac" not in str(caught.value)


def test_an_adtte_table_of_one_arm_makes_a_cohort_without_an_arm() -> None:
    table = pd.DataFrame({"USUBJID": list("abcd"), "PARAMCD": "OS", "AVAL": [1.0, 2.0, 3.0, 4.0],
                          "CNSR": [0, 1, 0, 1], "TRTP": "A"})  # fmt: skip
    frame, roles = from_adtte(table, "OS")
    assert roles["arm"] is None
    assert hs.Cohort(frame, **roles).arm_levels == ()
