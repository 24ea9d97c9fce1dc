"""Dataset-JSON 1.1 is read as whole files and as lines; other versions and damaged files are refused."""

import json
from pathlib import Path

import pandas as pd
import pytest

from heorsynth.core import errors
from heorsynth.data.sources.dataset_json import dataset_json_bytes, read_dataset_json

FRAME = pd.DataFrame({"USUBJID": ["a", "b", None], "AGE": [61, 62, 63], "AVAL": [1.5, None, 2.5]})
FACTS = json.loads(dataset_json_bytes(FRAME, "ADSL", "Subjects", {"AGE": "Age"}))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "adsl.json").write_text(json.dumps(FACTS), encoding="utf-8")
    pd.testing.assert_frame_equal(read_dataset_json(tmp_path / "adsl.json"), FRAME, check_dtype=False)
    head = {name: fact for name, fact in FACTS.items() if name != "rows"}
    lines = "\n".join(map(json.dumps, [head, *FACTS["rows"]]))
    (tmp_path / "adsl.ndjson").write_text(lines + "\n", encoding="utf-8")
    pd.testing.assert_frame_equal(read_dataset_json(tmp_path / "adsl.ndjson"), FRAME, check_dtype=False)


def test_decimals_are_text_in_the_file_and_numbers_in_the_rows(tmp_path: Path) -> None:
    columns = [{"name": "AVAL", "dataType": "decimal"}, {"name": "ADT", "dataType": "date"}]
    facts = {"datasetJSONVersion": "1.1.0", "columns": columns, "rows": [["1.25", "2020-01-31"], [None, ""]]}
    (tmp_path / "a.json").write_text(json.dumps(facts), encoding="utf-8")
    frame = read_dataset_json(tmp_path / "a.json")
    assert frame["AVAL"].iloc[0] == 1.25 and frame["ADT"].tolist() == ["2020-01-31", None]


@pytest.mark.parametrize(("raw", "kind", "told"), [
    (b"\xff{}", errors.EncodingError, "not UTF-8"), (b"", errors.DamagedFileError, "truncated"),
    (b"[1, 2]", errors.DamagedFileError, "truncated"), (b"[" * 100_000, errors.DamagedFileError, "truncated"),
    (b"{}", errors.FileError, "no Dataset-JSON"), (json.dumps({"clinicalData": {}}).encode(), errors.FileError, "1.0"),
    (json.dumps({**FACTS, "rows": [[1]]}).encode(), errors.DamagedFileError, "another number of values"),
    (json.dumps({**FACTS, "rows": 3}).encode(), errors.DamagedFileError, "truncated"),
    (json.dumps({**FACTS, "records": 9}).encode(), errors.DamagedFileError, "another number of rows"),
    (json.dumps({**FACTS, "rows": [["a", "old", 1.0]] * 3}).encode(), errors.DamagedFileError, "declared as integer"),
    (json.dumps({**FACTS, "columns": [{"name": "A"}]}).encode(), errors.DamagedFileError, "without a name and a type"),
    (json.dumps({**FACTS, "columns": FACTS["columns"][:1] * 3}).encode(), errors.FileError, "used twice"),
    (json.dumps({**FACTS, "columns": [{"name": "A", "dataType": "blob"}]}).encode(), errors.FileError, "lacks"),
])  # fmt: skip
def test_what_is_not_dataset_json_is_refused(tmp_path: Path, raw: bytes, kind: type, told: str) -> None:
    (tmp_path / "a.json").write_bytes(raw)
    with pytest.raises(kind, match=told):
        read_dataset_json(tmp_path / "a.json")
