"""The release key: where it is found, how it is made, what it says of itself, and the noise it gives."""

import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from heorsynth.core import errors
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, ReleaseKey, noise_stream, release_key

TEXT = "5f2c" * 16


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HEORSYNTH_RELEASE_KEY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def test_a_key_is_made_once_for_its_user_alone(home: Path) -> None:
    first = release_key()
    file = home / "data" / "heorsynth" / "release.key"
    assert len(bytes.fromhex(file.read_text())) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert release_key() == first and [one.name for one in file.parent.iterdir()] == ["release.key"]


def test_users_of_one_folder_who_begin_together_have_one_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({key.secret for key in pool.map(lambda _: release_key(), range(16))}) == 1


def test_an_argument_comes_before_the_environment_and_this_before_the_users_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("argument", "environment"):
        (home / name).write_text(f"{name} {TEXT}\n")
    own = release_key()
    monkeypatch.setenv("HEORSYNTH_RELEASE_KEY", str(home / "environment"))
    assert release_key().secret == f"environment {TEXT}".encode()
    assert release_key(home / "argument").secret == f"argument {TEXT}".encode()
    assert own.secret != release_key().secret


def test_a_named_key_that_is_missing_is_an_error_and_never_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.FileError, match=r"no such file[\s\S]*check the path in release_key"):
        release_key(home / "absent.key")
    monkeypatch.setenv("HEORSYNTH_RELEASE_KEY", str(home / "absent.key"))
    with pytest.raises(errors.FileError, match="HEORSYNTH_RELEASE_KEY"):
        release_key()
    monkeypatch.delenv("HEORSYNTH_RELEASE_KEY")
    with pytest.raises(errors.FileError, match="--release-key FILE"):
        release_key(create=False)
    assert list(home.iterdir()) == []


def test_a_short_key_and_a_place_that_cannot_be_used_are_errors_with_their_fix(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "short").write_text("password")
    with pytest.raises(errors.FileError, match=r"fewer than 32 characters[\s\S]*token_hex") as caught:
        release_key(home / "short")
    assert "password" not in str(caught.value)
    with pytest.raises(errors.FileError, match="cannot be read or made"):
        release_key(home)
    (home / "data").write_text("a file where the folder should be")
    with pytest.raises(errors.FileError, match=r"cannot be read or made[\s\S]*--release-key FILE"):
        release_key()


def test_a_key_shows_its_id_and_never_itself() -> None:
    key = ReleaseKey(TEXT.encode())
    assert key.id == hmac.new(TEXT.encode(), b"id", hashlib.sha256).hexdigest()[:16]
    assert repr(key) == f"ReleaseKey({key.id})" and TEXT[:8] not in f"{key}{key!r}"
    assert PUBLIC_RELEASE_KEY.stated == "public" and key.stated == key.id


def test_noise_is_the_same_for_the_same_words_and_independent_for_any_other_key_or_words() -> None:
    key, other = ReleaseKey(TEXT.encode()), ReleaseKey(TEXT[::-1].encode())
    first = noise_stream(key, b"a").normal(size=4000)
    assert (first == noise_stream(key, b"a").normal(size=4000)).all()
    for stream in (noise_stream(key, b"b"), noise_stream(other, b"a")):
        assert abs(np.corrcoef(first, stream.normal(size=4000))[0, 1]) < 0.06  # 3.8 standard errors
