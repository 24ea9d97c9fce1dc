"""verify: every byte is covered, a signature is of this run and of a trusted key, and three questions stay apart."""

import base64
import json
import shutil
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.protocol.compare_files import compared
from heorsynth.protocol.run_folder import write_sums
from heorsynth.provenance import signature
from heorsynth.provenance.in_toto import occasion_of, subjects_of
from heorsynth.provenance.record import packages


def copied(run: "hs.Run", folder: Path) -> Path:
    """A copy of a run folder that a test may spoil."""
    return Path(shutil.copytree(run.path, folder / run.path.name, symlinks=True))


def named(folder: Path) -> list[str]:
    """The files that verify finds fault with, without a re-run."""
    found = hs.verify(folder, rerun=False)
    whole = set(found.intact.values()) == {"identical"} and found.signature_holds
    assert found.verified == (whole and not found.contradictions)
    return [name for name, state in found.intact.items() if state not in ("identical", "not covered")]


@pytest.mark.parametrize("share", [0.02, 0.31, 0.5, 0.77, 0.99])
def test_a_byte_flipped_anywhere_in_any_file_names_that_file(signed, tmp_path: Path, share: float) -> None:
    folder = copied(signed.run, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 16
    for path in files:
        raw = path.read_bytes()
        spoilt = bytearray(raw)
        spoilt[int(share * len(raw))] ^= 1
        path.write_bytes(bytes(spoilt))
        name = path.relative_to(folder).as_posix()
        try:
            assert named(folder) == [name]
        except errors.OutputError as error:
            assert name == "SHA256SUMS" and "SHA256SUMS" in str(error)
        path.write_bytes(raw)
    assert named(folder) == []


@pytest.mark.parametrize("kind", ["small_run", "signed"])
def test_no_byte_of_the_envelope_can_be_flipped_unseen(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    run = request.getfixturevalue(kind)
    raw = (getattr(run, "run", run).path / "signature.json").read_bytes()
    assert signature.opened(raw)
    places = [*range(0, len(raw), 101), *range(len(raw) - 600, len(raw))]
    for place in places:
        spoilt = bytearray(raw)
        spoilt[place] ^= 1
        with pytest.raises(errors.SignatureError):
            signature.opened(bytes(spoilt))


def test_a_signed_run_is_verified_by_its_key_and_by_no_other(signed) -> None:
    own = hs.verify(signed.run.path, rerun=False, trusted_key=signed.public)
    assert own.verified and "the trusted key" in own.signature
    other = hs.verify(signed.run.path, rerun=False, trusted_key=signed.stranger)
    assert not other.verified and "not by the trusted key" in other.signature
    unnamed = hs.verify(signed.run.path, rerun=False)
    assert unnamed.verified and "its owner is unknown" in unnamed.signature


def test_an_unsigned_run_says_so_and_fails_where_a_key_is_asked_for(small_run: "hs.Run", signed) -> None:
    found = hs.verify(small_run.path, rerun=False)
    assert found.verified and "unsigned" in found.signature
    assert not hs.verify(small_run.path, rerun=False, trusted_key=signed.public).verified
    assert "Unsigned" in small_run.signature and "Signed by key" in signed.run.signature


def test_signing_changes_nothing_that_two_equal_runs_share(small_run: "hs.Run", signed) -> None:
    assert (small_run.path / "SHA256SUMS").read_bytes() == (signed.run.path / "SHA256SUMS").read_bytes()


def test_the_signature_is_the_one_the_dsse_specification_defines(signed) -> None:
    facts = json.loads((signed.run.path / "signature.json").read_text(encoding="utf-8"))
    payload = base64.b64decode(facts["payload"])
    kind = facts["payloadType"].encode()
    encoded = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    signature.public_key(signed.public).verify(base64.b64decode(facts["signatures"][0]["sig"]), encoded)
    assert payload == (signed.run.path / "provenance.json").read_bytes()


def test_a_re_run_of_a_signed_run_is_the_same_but_for_what_needs_the_key(signed) -> None:
    found = hs.verify(signed.run.path, trusted_key=signed.public)
    assert found.verified
    assert {name for name, state in found.rerun.items() if state != "identical"} == {"signature.json"}
    assert found.rerun["signature.json"] == "not re-runnable"
    assert "the same versions" in found.installs and found.runs == "yes"
    assert found.same.startswith("15 identical, 1 not re-runnable; the same verdict")


def test_other_versions_a_run_that_does_not_end_and_another_result_are_told_apart(
    small_run: "hs.Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = packages()
    monkeypatch.setattr("heorsynth.protocol.verify.packages", lambda: {**there, "numpy": "1.0"})
    found = hs.verify(small_run.path, rerun=False)
    assert found.installs == f"other versions: numpy {there['numpy']} in the run, 1.0 here"
    assert found.runs == "no: not requested" and found.same.startswith("not known")
    assert found.verified  # another version is told; only another result fails
    for line in ("Signature:", "Installs:", "Runs:", "Same:"):
        assert line in str(found)


def test_a_run_whose_protocol_was_edited_and_summed_again_still_differs(signed, tmp_path: Path) -> None:
    folder = copied(signed.run, tmp_path)
    protocol = folder / "protocol.yaml"
    protocol.write_text(protocol.read_text(encoding="utf-8").replace("0.05", "0.4"), encoding="utf-8")
    assert named(folder) == ["protocol.yaml"]
    write_sums(folder)
    assert named(folder) == ["SHA256SUMS"]


def test_an_edited_protocol_sealed_again_contradicts_itself_and_has_not_the_key(signed, tmp_path: Path) -> None:
    """Who edits everything and seals it anew without the key has a folder that is whole, but unsigned: its name and
    its statement are still those of the protocol as it was."""
    folder = copied(signed.run, tmp_path)
    protocol = folder / "protocol.yaml"
    from heorsynth.protocol.run_folder import sha256_of

    before = sha256_of(protocol)
    protocol.write_text(protocol.read_text(encoding="utf-8").replace("0.05", "0.4"), encoding="utf-8")
    for name in ("protocol.lock", "verdict.json"):
        text = (folder / name).read_text(encoding="utf-8").replace(before, sha256_of(protocol))
        (folder / name).write_text(text, encoding="utf-8")
    write_sums(folder)
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    facts["subject"][0]["digest"]["sha256"] = sha256_of(folder / "SHA256SUMS")
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "signature.json").write_text(signature.sealed((folder / "provenance.json").read_bytes(), None))
    assert named(folder) == []
    assert not hs.verify(folder, rerun=False, trusted_key=signed.public).verified
    found = hs.verify(folder)
    assert found.result == "differs"
    assert "the protocol differs from the statement" in found.contradictions


def test_numbers_within_tolerance_are_not_called_different(tmp_path: Path) -> None:
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text('{"x": 1.0, "y": [1, "z"]}')
    for text, state in (
        ('{"x": 1.0, "y": [1, "z"]}', "identical"),
        ('{"x": 1.0000000001, "y": [1, "z"]}', "within tolerance"),
        ('{"x": 1.0000001, "y": [1, "z"]}', "different"),
        ('{"x": 1.001, "y": [1, "z"]}', "different"),
        ('{"x": 1.0, "y": [1]}', "different"),
    ):
        after.write_text(text)
        assert compared(before, after) == state


@pytest.mark.parametrize("ending", ["html", "ipynb"])
def test_a_page_with_another_digit_is_told_from_one_with_another_word_date_or_picture(
    tmp_path: Path, ending: str
) -> None:
    page = '<p>On 2026-11-26: 1,234.5678901234 EUR, p = 6.1e-05</p><img src="data:image/png;base64,iVBORw0K9">'
    before, after = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    before.write_text(page)
    for old, new, state in (
        ("EUR", "EUR", "identical"), ("1234 EUR", "1235 EUR", "within tolerance"), ("6.1e-05", "6.1e-04", "different"),
        ("1,234.5", "1,234.6", "different"), ("11-26", "11-27", "different"), ("EUR", "USD", "different"),
        ("K9", "K8", "different"), ("K9", "Kx", "different"),
    ):  # fmt: skip
        after.write_text(page.replace(old, new))
        assert compared(before, after) == state, (old, new)


def test_the_occasion_can_be_read_back_and_other_text_is_refused(small_run: "hs.Run") -> None:
    raw = (small_run.path / "provenance.json").read_bytes()
    assert occasion_of(raw).to_dict()["packages"] == packages()
    for wrong in (b"", b"[]", b"{}", b'{"_type": "x"}'):
        with pytest.raises(ValueError):
            subjects_of(wrong)
        with pytest.raises(ValueError):
            occasion_of(wrong)


def test_a_key_pair_is_private_and_is_not_written_over(tmp_path: Path) -> None:
    private, public, name = signature.keygen(tmp_path / "k")
    assert private.stat().st_mode & 0o077 == 0
    assert signature.key_id(signature.public_key(public)) == name
    with pytest.raises(errors.OutputError, match="exists already"):
        signature.keygen(tmp_path / "k")


def test_what_is_no_key_is_refused_before_any_work(small_protocol: Path, tmp_path: Path) -> None:
    (tmp_path / "no.key").write_text("-----BEGIN PRIVATE KEY-----\nsecret words\n-----END PRIVATE KEY-----\n")
    with pytest.raises(errors.SignatureError, match="not an unencrypted Ed25519") as caught:
        hs.run(small_protocol, out=tmp_path / "runs", sign_key=tmp_path / "no.key")
    assert "secret" not in str(caught.value)
    with pytest.raises(errors.FileError, match="cannot be read"):
        hs.run(small_protocol, out=tmp_path / "runs", sign_key=tmp_path / "absent.key")
    _, public, _ = signature.keygen(tmp_path / "k")
    with pytest.raises(errors.SignatureError):
        signature.signing_key(public)
    with pytest.raises(errors.SignatureError):
        signature.public_key(tmp_path / "k")
    assert not (tmp_path / "runs").exists()


def test_the_key_may_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, _, name = signature.keygen(tmp_path / "k")
    monkeypatch.setenv("HEORSYNTH_SIGN_KEY", str(private))
    key = signature.signing_key(None)
    assert key is not None and signature.key_id(key.public_key()) == name
    assert signature.opened(signature.sealed(b"statement", key).encode()) == signature.Seal(b"statement", name)


def test_a_folder_that_is_not_there_is_told_so_and_is_bad_input(heorsynth, tmp_path: Path) -> None:
    done = heorsynth("verify", str(tmp_path / "runs"))
    assert "there is no such folder" in done.stderr and "fix: check the path" in done.stderr
    assert done.returncode == 65
    (tmp_path / "verdict.json").write_text("{}")
    with pytest.raises(errors.RunError, match="is a file"):
        hs.verify(tmp_path / "verdict.json")
