"""The level and the key of a run: shown everywhere, secret, needed for a second run, and refused where not held."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import heorsynth as hs
from heorsynth.cli import cli
from heorsynth.core import errors
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, release_key

PROTOCOL = """\
heorsynth: 1
title: A release
purpose: {purpose}
cohort: {{source: {source}, endpoints: {{os: [time, event]}}}}
generator: {{name: {name}, m: 2, most_cohorts: 2, seed: 1}}
{release}
notebook: short.ipynb
"""
SECRET = "0a1b2c3d" * 8
LEDGER = "release: {level: shared, key: own.key, ledger: ledger.jsonl}"
FILE, TRIAL = "{file: trial.csv}", "{simulated: {n: 90, seed: 3}}"


def protocol(folder: Path, source: str, release: str, name: str = "heor", purpose: str = "teaching") -> Path:
    path = folder / "p.yaml"
    text = PROTOCOL.format(source=source, release=release, name=name, purpose=purpose)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Path:
    folder = tmp_path_factory.mktemp("custody")
    short_notebook(folder)
    trial, _ = hs.datasets.simulated_trial(60, seed=3)
    trial.frame.to_csv(folder / "trial.csv", index=False)
    (folder / "own.key").write_text(SECRET + "\n", encoding="utf-8")
    (folder / "other.key").write_text(SECRET[::-1], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shared(place: Path) -> "hs.Run":
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEORSYNTH_KEY", "a key for tests")
        path = protocol(place, FILE, "release: {level: shared, key: own.key}")
        return hs.run(path, out=place / "runs")


@pytest.fixture(autouse=True)
def environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEORSYNTH_KEY", "a key for tests")
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "nobody"))
    monkeypatch.delenv("HEORSYNTH_RELEASE_KEY", raising=False)


@pytest.mark.long
def test_the_level_and_the_id_of_the_key_stand_in_label_page_record_and_sheet(shared: "hs.Run", place: Path) -> None:
    own = release_key(place / "own.key")
    seen = hs.inspect(shared.path / "synthetic" / "000.parquet")
    assert seen.label is not None and (seen.label.level, seen.label.noise_key) == ("shared", own.id)
    sentence = f"Its noise follows the custodian's secret key {own.id}."
    assert "Release level shared" in str(seen)
    page = shared.report.read_text(encoding="utf-8")
    first = page[: page.index('id="findings"')]
    assert "Release level shared" in first and own.id in first
    facts = json.loads((shared.path / "provenance.json").read_text(encoding="utf-8"))
    generator = facts["predicate"]["buildDefinition"]["externalParameters"]["generator"]
    assert (generator["level"], generator["noise_key"]) == ("shared", sentence)
    assert "Release level shared" in (shared.path / "governance.json").read_text(encoding="utf-8")
    assert "Release level shared" in (shared.path / "croissant.json").read_text(encoding="utf-8")


def test_no_byte_of_the_secret_is_in_the_run_folder(shared: "hs.Run") -> None:
    for path in shared.path.rglob("*"):
        assert not path.is_file() or SECRET[:16].encode() not in path.read_bytes(), path.name


def test_a_run_is_repeated_with_its_key_and_without_it_says_which_is_needed(
    shared: "hs.Run", place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hs.verify(shared.path, source=place, release_key=place / "own.key")
    assert found.result == "verified", found
    own = release_key(place / "own.key")
    for given in (None, place / "other.key"):
        less = hs.verify(shared.path, source=place, release_key=given)
        assert less.result == "not verified" and set(less.intact.values()) == {"identical"}
        assert own.id in less.not_rerun and f"heorsynth verify {shared.path.name} --release-key FILE" in less.not_rerun
    assert not (place / "nobody").exists()  # verify makes no key
    said = CliRunner().invoke(cli, ["verify", str(shared.path), "--source", str(place)], standalone_mode=False)
    assert said.return_value == 3 and own.id in said.output.replace("\n", " ")
    monkeypatch.setenv("HEORSYNTH_RELEASE_KEY", str(place / "own.key"))
    assert hs.verify(shared.path, source=place).verified


def test_a_label_of_another_level_than_the_protocols_contradicts_the_run(shared: "hs.Run", tmp_path: Path) -> None:
    from heorsynth.protocol.consistency import _label_facts

    label = hs.inspect(shared.path / "synthetic" / "000.parquet").label
    facts = dict(_label_facts(shared, label.release, label, shared.path / "synthetic" / "000.parquet"))
    assert facts["release level"]
    copy = Path(shutil.copytree(shared.path, tmp_path / shared.path.name))
    text = (copy / "protocol.yaml").read_text(encoding="utf-8")
    (copy / "protocol.yaml").write_text(text.replace("level: shared", "level: public"), encoding="utf-8")
    assert not hs.verify(copy, rerun=False).verified


@pytest.mark.long
def test_a_public_source_has_the_public_key_and_anyone_repeats_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEORSYNTH_RELEASE_KEY", str(place / "own.key"))
    run = hs.run(protocol(place, TRIAL, "release: public"), out=place / "public")
    label = hs.inspect(run.path / "synthetic" / "000.parquet").label
    assert label is not None and label.noise_key == PUBLIC_RELEASE_KEY.stated
    assert "The key of its noise is public: the data are." in run.report.read_text(encoding="utf-8")
    monkeypatch.delenv("HEORSYNTH_RELEASE_KEY")
    assert hs.verify(run.path).verified


def test_internal_is_the_default_says_so_first_and_data_sharing_is_told_to_keep_it(place: Path) -> None:
    run = hs.run(protocol(place, FILE, "release: internal", purpose="data-sharing"), out=place / "internal")
    page = run.report.read_text(encoding="utf-8")
    assert "Release level internal: not to leave the custodian." in page[: page.index('id="findings"')]
    assert any(note.startswith("These cohorts are not to leave the custodian") for note in run.evidence.notes)
    assert not (place / "nobody").exists()  # an internal run needs no key


@pytest.mark.parametrize("name", ["marginals", "ctgan"])
def test_a_generator_that_bounds_nothing_is_refused_with_the_line(place: Path, name: str) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        hs.run(protocol(place, TRIAL, "release: shared", name=name), out=place / "refused")
    assert "line 6, release" in str(caught.value)
    assert f"generator '{name}' does not bound what one patient can move" in str(caught.value)
    assert "use the generator heor, or release: internal" in str(caught.value)
    assert not (place / "refused").exists()


def test_a_recipe_is_asked_the_same_as_a_protocol(place: Path) -> None:
    cohort = hs.datasets.load("pbc")
    sampler = hs.generators.create("heor", release="shared").fit(cohort)
    assert (sampler.release, sampler.noise_key) == ("shared", "public") and "shared" in repr(sampler)
    assert hs.generators.load(sampler.save(place / "g.json")).noise_key == "public"
    assert hs.generators.create("heor").fit(cohort).release == "internal"
    assert hs.generators.create("marginals", release="internal").fit(cohort).release == "internal"
    for name, level, said in (
        ("ctgan", "shared", "generator 'ctgan' does not bound"),
        ("heor", "share", "did you mean 'shared'"),
        ("marginals", "share", "did you mean 'shared'"),
    ):
        with pytest.raises(errors.GeneratorError, match=said):
            hs.generators.create(name, release=level)
    with pytest.raises(errors.GeneratorError, match="release_key: int, not a path"):
        hs.generators.create("heor", release="shared", release_key=3)
    trial, _ = hs.datasets.simulated_trial(90, seed=3)
    keyed = hs.generators.create("heor", release="public", release_key=place / "own.key").fit(trial)
    assert keyed.noise_key == release_key(place / "own.key").id


def test_patients_and_synthetic_rows_together_are_internal_whatever_the_rows_were() -> None:
    cohort = hs.datasets.load("pbc")
    with pytest.warns(UserWarning):
        mixed = hs.augment(cohort, 20, generator=hs.generators.create("heor", release="public"), m=1, seed=1)
    assert mixed[0].label is not None and (mixed[0].label.level, mixed[0].label.noise_key) == ("internal", "")


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Path:
    """A folder with a trial whose patients have ids, its first run, and the ledger of this run."""
    folder = tmp_path_factory.mktemp("ledger")
    short_notebook(folder)
    trial, _ = hs.datasets.simulated_trial(60, seed=3)
    trial.frame.assign(patient=[f"CANARY-{number}" for number in range(60)]).to_csv(folder / "trial.csv", index=False)
    (folder / "own.key").write_text(SECRET, encoding="utf-8")
    (folder / "other.key").write_text(SECRET[::-1], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEORSYNTH_KEY", "a key for tests")
        run = hs.run(with_ids(folder), out=folder / "runs")
    assert run.ledger.startswith("Compared with 0 earlier releases") and "not stated" in run.ledger
    return folder


def with_ids(folder: Path, release: str = LEDGER) -> Path:
    path = protocol(folder, FILE, release)
    text = path.read_text(encoding="utf-8").replace("os: [time, event]}", "os: [time, event]}, id: patient")
    path.write_text(text, encoding="utf-8")
    return path


def without(folder: Path, *numbers: int) -> None:
    """Take patients out of the trial."""
    lines = (folder / "trial.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(f"CANARY-{number}\n" in line for number in numbers)]
    (folder / "trial.csv").write_text("".join(kept), encoding="utf-8")


def test_nothing_of_the_ledger_is_in_a_run_folder_and_nothing_of_a_patient_in_the_ledger(entered: Path) -> None:
    ledger = (entered / "ledger.jsonl").read_text(encoding="utf-8")
    assert "CANARY" not in ledger and SECRET[:16] not in ledger
    held = json.loads(ledger.splitlines()[1])["of"]
    secrets = [held[name] for name in ("ids", "rows", "source", "columns")]
    assert all(len(one) >= 16 for one in secrets) and str(held["level"]) == "shared"
    pieces = [one[at : at + 24].encode() for one in secrets for at in range(0, len(one), 24)]
    for path in (entered / "runs").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [piece for piece in pieces if len(piece) >= 16 and piece in content], path.name
        assert b"earlier release" not in content and b"CANARY" not in content


def test_five_patients_fewer_are_refused_before_anything_is_drawn_and_nobody_is_named(
    entered: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(entered, tmp_path / "next"))
    without(folder, 17, 21, 25, 29, 33)
    before = (folder / "ledger.jsonl").read_bytes()
    said = CliRunner().invoke(cli, ["run", str(with_ids(folder)), "--out", str(folder / "more")])
    assert isinstance(said.exception, errors.LedgerError)
    text = str(said.exception)
    assert "the sources differ in 5 patients, fewer than 10" in text and "CANARY" not in text and "17" not in text
    assert not (folder / "more").exists() and (folder / "ledger.jsonl").read_bytes() == before


def test_one_patient_fewer_is_released_because_the_noise_of_both_covers_it(entered: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(entered, tmp_path / "next"))
    without(folder, 17)
    assert "Compared with 1 earlier release" in hs.run(with_ids(folder), out=folder / "more").ledger


def test_ten_patients_fewer_are_released_and_the_command_says_how_many_left(entered: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(entered, tmp_path / "next"))
    without(folder, *range(20, 30))
    path = with_ids(folder, "release: {level: shared}")
    keys = ["--ledger", str(folder / "ledger.jsonl"), "--release-key", str(folder / "own.key")]
    said = CliRunner().invoke(cli, ["run", str(path), "--out", str(folder / "more"), *keys], standalone_mode=False)
    assert "Release level shared" in said.output
    assert said.exception is None and "0 came, 10 left, 0 changed" in said.output.replace("\n", " ")
    assert len((folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    (run,) = (folder / "more").iterdir()
    before = (folder / "ledger.jsonl").read_bytes()
    assert hs.verify(run, source=folder, release_key=folder / "own.key").verified
    assert (folder / "ledger.jsonl").read_bytes() == before  # a second run is no release


@pytest.mark.parametrize(
    ("release", "kind", "said"),
    [
        (LEDGER.replace("own.key", "other.key"), errors.FileError, "belongs to the release key with id"),
        (LEDGER.replace("}", ", budget: {mu: 1}}"), errors.LedgerError, "does not state what it spends"),
        (LEDGER.replace("ledger.jsonl", "own.key"), errors.FileError, "line 1: damaged"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_refused_before_anything_is_drawn(
    entered: Path, release: str, kind: type[errors.HeorsynthError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        hs.run(with_ids(entered, release), out=entered / "refused")
    assert not (entered / "refused").exists()


def test_a_ledger_within_a_run_folder_is_refused(entered: Path) -> None:
    (run,) = (entered / "runs").iterdir()
    with pytest.raises(errors.OutputError, match="lies in a run folder"):
        hs.run(with_ids(entered), out=entered / "refused", ledger=run / "synthetic" / "ledger.jsonl")


PRIVATE = """\
heorsynth: 1
title: A release under differential privacy
purpose: teaching
cohort: {{source: {{file: trial.csv}}, endpoints: {{os: [time, event]}}, arm: arm, totals: {{cost: [drug, hospital]}}}}
generator:
  name: heor
  m: 2
  most_cohorts: 2
  seed: 1
  options:
    epsilon: {epsilon}
    delta: 1e-6
    public:
      arm: [new, usual]
      sex: [f, m]
      stage: [I, II, III, IV]
      age: [18.0, 100.0]
      time: [0.0, 5.0]
      drug: [0.0, 6000.0]
      hospital: [0.0, 50000.0]
      qaly: [-0.5, 1.0]
{release}
notebook: short.ipynb
"""


def private(place: Path, epsilon: float, release: str) -> Path:
    path = place / f"private-{epsilon}.yaml"
    path.write_text(PRIVATE.format(epsilon=epsilon, release=release), encoding="utf-8")
    return path


def test_a_private_release_tells_its_promise_is_made_again_and_spends_the_budget_of_its_patients(place: Path) -> None:
    budget = "release: {key: own.key, ledger: private.jsonl, budget: {epsilon: 10, delta: 1.0e-5}}"
    run = hs.run(private(place, 8.0, budget), out=place / "private")
    page = run.report.read_text(encoding="utf-8")
    assert run.level == "shared"
    assert "Differentially private with epsilon 8, delta 1e-06" in page[: page.index('id="findings"')]
    label = hs.inspect(run.path / "synthetic" / "000.parquet").label
    assert label is not None and label.settings["spent"] == {"epsilon": 8.0, "delta": 1e-6}
    assert hs.verify(run.path, source=place, release_key=place / "own.key").verified
    with pytest.raises(errors.LedgerError) as caught:
        hs.run(private(place, 3.0, budget), out=place / "private")
    assert "is epsilon 10, delta 1e-05: epsilon 8, delta 1e-06 is spent, this release asks epsilon 3" in str(
        caught.value
    )


def test_an_internal_release_with_an_epsilon_is_refused_with_its_line(place: Path) -> None:
    with pytest.raises(errors.ProtocolError, match=r"line 11, generator\.options\.epsilon"):
        hs.run(private(place, 2.0, "release: internal"), out=place / "private")
