"""The block `release` of a protocol: its forms, its default by purpose and generator, and its errors with lines."""

from pathlib import Path

import pytest

from heorsynth.core import errors
from heorsynth.protocol.file.release import level_of
from heorsynth.protocol.file.spec import read_protocol

PROTOCOL = """\
heorsynth: 1
title: A release
purpose: {purpose}
cohort: {{source: {{dataset: pbc}}}}
generator: {{name: {name}, seed: 1, options: {{{options}}}}}
{release}
"""


def protocol(folder: Path, release: str = "", purpose: str = "teaching", name: str = "heor", options: str = "") -> Path:
    path = folder / "p.yaml"
    path.write_text(PROTOCOL.format(purpose=purpose, name=name, options=options, release=release), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("purpose", "name", "release", "level"),
    [
        ("teaching", "heor", "", "internal"),
        ("data-sharing", "heor", "", "shared"),
        ("data-sharing", "heor", "release: {key: a.key}", "shared"),
        ("data-sharing", "heor", "release: internal", "internal"),
        ("data-sharing", "marginals", "", "internal"),
        ("teaching", "heor", "release: public", "public"),
        ("teaching", "heor", "release: {level: shared, key: a.key, ledger: l.jsonl, fewest: 12}", "shared"),
    ],
)
def test_the_level_is_declared_or_follows_from_purpose_and_generator(
    tmp_path: Path, purpose: str, name: str, release: str, level: str
) -> None:
    assert level_of(read_protocol(protocol(tmp_path, release, purpose, name)).document) == level


@pytest.mark.parametrize(
    ("release", "options", "said"),
    [
        ("release: share", "", "line 6, release: 'share' is not a release level"),
        ("release: {level: publik}", "", "did you mean 'public'"),
        ("release: {levels: public}", "", "did you mean 'level'"),
        ("release: {level: shared, fewest: 1}", "", "line 6, release.fewest"),
        ("release: {level: shared, budget: {mu: 1, epsilon: 2}}", "", "no complete budget"),
        ("release: {level: shared, budget: {epsilon: 2}}", "", "no complete budget"),
        ("release: {level: shared, budget: {epsilon: 0, delta: 0}}", "", "release.budget.epsilon"),
        ("release: 3", "", "line 6, release"),
        ("", "release: shared", "line 5, generator.options.release: not a setting within a protocol"),
        ("", "release_key: a.key", "generator.options.release_key"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, release: str, options: str, said: str) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        read_protocol(protocol(tmp_path, release, options=options))
    assert said in str(caught.value)
