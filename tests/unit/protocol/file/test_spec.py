"""A protocol that is wrong is refused with the line, what was expected, and the nearest valid name."""

from pathlib import Path

import pytest

from heorsynth.core import errors
from heorsynth.data import datasets
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import Protocol, read_protocol

GOOD = """\
heorsynth: 1
title: A test
purpose: economic-evaluation
cohort:
  source: {dataset: pbc}
  endpoints: {os: [time, event]}
  arm: trt
  subgroups: [sex]
generator: {name: marginals, n: same, m: 2, seed: 1}
margins:
  survival.rmst: {horizon: 3650, relative: 0.05}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, old: str = "", new: str = "") -> Protocol:
    assert old in GOOD
    return read_protocol(written(folder, GOOD.replace(old, new, 1)))


def test_a_good_protocol_is_read_with_its_defaults(tmp_path: Path) -> None:
    document = read(tmp_path).document
    assert document.generator.m == 2
    assert document.governance.steward is None
    assert document.cohort.endpoints == {"os": ["time", "event"]}


@pytest.mark.parametrize(
    ("old", "new", "line", "suggestion"),
    [
        ("purpose:", "purpouse:", "line 3", "'purpose'"),
        ("  subgroups:", "  subgroup:", "line 8", "'subgroups'"),
        ("m: 2", "mm: 2", "line 9", "'m'"),
        ("purpose: economic-evaluation", "purpose: economic evaluation", "line 3", "'economic-evaluation'"),
        ("name: marginals", "name: marginal", "line 9", "'marginals'"),
    ],
)
def test_an_unknown_key_or_name_is_refused_with_its_line_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, line: str, suggestion: str
) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        read(tmp_path, old, new)
    assert line in str(caught.value)
    assert suggestion in str(caught.value)


@pytest.mark.parametrize("new", ["", "seed: -1", "seed: soon"])
def test_a_missing_or_impossible_seed_is_its_own_error(tmp_path: Path, new: str) -> None:
    with pytest.raises(errors.SeedError, match=r"line 9, generator\.seed"):
        read(tmp_path, "seed: 1", new) if new else read(tmp_path, ", seed: 1", "")


@pytest.mark.parametrize(
    "new",
    ["relative: -0.05", "relative: 0", "relative: 0.05, absolute: 30", "horizon: 1", "ratio: [0.8, 1.5]",
     "relative: 1.0", "relativ: 0.05", "relative: yes"],
)  # fmt: skip
def test_a_margin_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, new: str) -> None:
    with pytest.raises(errors.MarginError, match="line 11"):
        read(tmp_path, "horizon: 3650, relative: 0.05", new)


def test_a_margin_of_an_unknown_estimand_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(errors.MarginError, match=r"'survival\.rmst'"):
        read(tmp_path, "survival.rmst:", "survival.rmts:")


def test_two_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        read_protocol(written(tmp_path, GOOD.replace("arm:", "arms:").replace("m: 2", "m: 0")))
    assert len(caught.value.problems) == 2


def test_a_tag_is_never_obeyed(tmp_path: Path) -> None:
    text = GOOD.replace("title: A test", "title: !!python/object/apply:os.system [exit]")
    with pytest.raises(errors.ProtocolError, match=r"line 2.*tag"):
        read_protocol(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "line"), ("a: 1\na: 2\n", "twice"), ("- a\n", "mapping"), ("", "mapping")],
)
def test_what_is_not_a_protocol_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(errors.ProtocolError, match=message):
        read_protocol(written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_text_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(errors.FileError, match="cannot be read"):
        read_protocol(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    with pytest.raises(errors.FileError, match="UTF-8"):
        read_protocol(tmp_path / "latin.yaml")


def test_an_unknown_dataset_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(errors.ProtocolError, match=r"line 5.*\n.*'pbc'"):
        load_source(read(tmp_path, "dataset: pbc", "dataset: pbcc"))


def test_a_missing_column_is_told_with_the_line_of_its_role(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingColumnError, match=r"line \d+.*'tme'"):
        load_source(read(tmp_path, "[time, event]", "[tme, event]"))


def test_a_dataset_brings_its_own_roles_and_the_protocol_overrides_them(tmp_path: Path) -> None:
    cohort, _ = load_source(read(tmp_path))
    assert cohort.schema.unit == "day"
    assert cohort.schema.subgroups == ("sex",)
    assert cohort.n == 418


def test_the_fingerprint_depends_on_the_rows_and_on_the_roles(tmp_path: Path) -> None:
    _, before = load_source(read(tmp_path))
    _, again = load_source(read(tmp_path))
    _, other = load_source(read(tmp_path, "[sex]", "[sex, age_group]"))
    assert before == again != other


def test_a_simulated_trial_is_a_source_with_its_own_roles(tmp_path: Path) -> None:
    text = GOOD.replace("{dataset: pbc}", "{simulated: {n: 60, seed: 4}}")
    for role in ("  endpoints: {os: [time, event]}\n", "  arm: trt\n"):
        text = text.replace(role, "")
    cohort, found = load_source(read_protocol(written(tmp_path, text)))
    expected, _ = datasets.simulated_trial(60, 4)
    assert cohort.frame.equals(expected.frame)
    assert (cohort.schema.costs, cohort.schema.subgroups) == (("cost",), ("sex",))
    assert load_source(read_protocol(written(tmp_path, text.replace("seed: 4", "seed: 5"))))[1] != found


@pytest.mark.parametrize("source", ["{}", "{dataset: pbc, file: a.csv}", "{dataset: pbc, simulated: {n: 60, seed: 4}}"])
def test_a_protocol_has_exactly_one_source(tmp_path: Path, source: str) -> None:
    with pytest.raises(errors.ProtocolError, match="expected one source"):
        load_source(read(tmp_path, "{dataset: pbc}", source))


@pytest.mark.parametrize("slip", ["true", '"20"', "20.0", ".nan", "-1", "0", "[20]", "1e400", "yes"])
def test_a_count_in_a_protocol_is_a_whole_number_and_nothing_that_could_pass_for_one(slip: str, tmp_path: Path) -> None:
    for key in ("m: 2", "n: same"):
        with pytest.raises(errors.HeorsynthError):
            read_protocol(written(tmp_path, GOOD.replace(key, f"{key.split(':')[0]}: {slip}")))
    if slip != "0":
        with pytest.raises(errors.SeedError):
            read_protocol(written(tmp_path, GOOD.replace("seed: 1", f"seed: {slip}")))


ECONOMICS = "economics: {comparator: '1', wtp: [20000], baseline: u0, adjust: [age], impute: 5, cluster: site}"


def test_an_adjusted_evaluation_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, "margins:", f"{ECONOMICS}\nmargins:").document.economics
    assert found is not None
    assert (found.baseline, found.adjust, found.impute, found.cluster) == ("u0", ["age"], 5, "site")
    plain = read(tmp_path, "margins:", "economics: {comparator: '1', wtp: [20000]}\nmargins:").document.economics
    assert plain is not None
    assert (plain.baseline, plain.adjust, plain.impute, plain.cluster, plain.cost) == (None, [], None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("impute: 5", "impute: mean", "line 10, economics.impute: not a method for missing values"),
        ("impute: 5", "impute: 1", "line 10, economics.impute: not a method for missing values"),
        ("adjust: [age]", "adjust: age", "line 10, economics.adjust: not a list"),
        ("cluster: site", "clusters: site", "did you mean 'cluster'"),
        ("baseline: u0", "baseline: 3", "line 10, economics.baseline: not text"),
    ],
)
def test_an_adjusted_evaluation_that_cannot_be_read_is_refused_once(tmp_path: Path, old: str, new: str, told: str):
    with pytest.raises(errors.ProtocolError, match=told) as caught:
        read(tmp_path, "margins:", f"{ECONOMICS.replace(old, new)}\nmargins:")
    assert len(caught.value.problems) == 1
