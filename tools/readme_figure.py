"""Draws docs/figures/pbc_survival.png, the figure of the README, from the bundled data."""

from pathlib import Path

import heorsynth as hs

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    cohort = hs.datasets.load("pbc")
    synthetic = hs.generators.create("heor").fit(cohort, seed=1).sample(m=20, seed=1)
    picture = hs.figures.km_overlay(cohort, synthetic, "os", by="sex")
    (ROOT / "docs" / "figures" / "pbc_survival.png").write_bytes(picture.png())
    print(picture.alt)


if __name__ == "__main__":
    main()
