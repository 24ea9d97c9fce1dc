"""An attacker who has a run folder, except its synthetic rows: what do its files tell of single patients?

He reads every number of every JSON, CSV, HTML and notebook file and of the metadata of Parquet files. He knows the
number of patients, which every run states, and tries three things: a number that one patient alone has, a count of one
to four patients by subtraction, and an exact sum.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats
from scipy.optimize import Bounds, LinearConstraint, milp

from heorsynth.core.disclosure import RULES

N = 201

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "costs": ["cost"], "utilities": ["qaly"],
         "subgroups": ["sex", "region"]}  # fmt: skip

PROTOCOL = """\
heorsynth: 1
title: A hostile cohort
purpose: economic-evaluation
cohort:
  source: {file: hostile.csv}
  endpoints: {os: [time, event]}
  arm: trt
  costs: [cost]
  utilities: [qaly]
  subgroups: [sex, region]
  currency: EUR
economics: {comparator: usual, wtp: [20000]}
margins:
  costs.quantile: {quantile: [0.5, 0.9, 0.95, 0.99], relative: 0.2}
  survival.median: {relative: 0.2}
  survival.reach: {relative: 0.2}
  structure.missingness: {absolute: 0.05}
  subgroups.disparity: {relative: 0.2}
  costs.difference: {relative: 0.2}
generator: {name: heor, m: 2, most_cohorts: 2, seed: 5}
analyses:
  - {name: cox, model: cox, formula: os ~ trt + age, focus: [trt]}
"""

_NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\w)")
_SKIPPED = re.compile(r'data:image/[^"]*|<style.*?</style>|<script.*?</script>|sha256[^,]*,|[0-9a-f]{16,}', re.DOTALL)


def hostile() -> pd.DataFrame:
    """201 made-up patients: unique values, a level that two have, levels of 12 and 6, and one who bears most costs."""
    rng = np.random.default_rng(20)
    frame = pd.DataFrame({
        "time": np.round(rng.exponential(700, N) + 20, 4),
        "event": (rng.random(N) < 0.6).astype(int),
        "trt": np.where(np.arange(N) % 2 == 0, "new", "usual"),
        "sex": "f",
        "region": rng.choice(["north", "south"], N),
        "cost": np.round(rng.lognormal(8, 0.8, N), 2),
        "qaly": np.round(rng.uniform(0.2, 4, N), 5),
        "age": np.round(rng.normal(60, 9, N), 4),
    })  # fmt: skip
    frame.loc[[7, 90], "sex"] = "m"
    frame.loc[20:31, "region"] = "east"
    frame.loc[40:45, "region"] = "west"
    frame.loc[25, "cost"] = 2_345_678.91
    frame.loc[[3, 11], "age"] = np.nan
    return frame


@dataclass(frozen=True)
class Read:
    """A number in a file: where it stands, as text, and its value."""

    file: str
    text: str
    value: float

    @property
    def digits(self) -> int:
        """Significant digits as shown, without the zeros at the end of a whole number."""
        mantissa = re.sub(r"[eE].*", "", self.text).replace(",", "").lstrip("+-−0.")
        return len((mantissa if "." in self.text else mantissa.rstrip("0")).replace(".", ""))


@dataclass
class Found:
    """What the attacker has: values of one patient, small counts, and exact sums, each as a sentence."""

    values: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.values), len(self.counts), len(self.sums)


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file as text; of a Parquet file its metadata only; of a notebook its outputs; no pictures and no hashes."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            yield name, " ".join(map(str, (file.metadata.metadata or {}).values()))
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield name, " ".join(_strings([cell.get("outputs", []) for cell in cells]))
        elif path.suffix in (".json", ".csv", ".html", ".yaml", ".lock"):
            yield name, path.read_text(encoding="utf-8")


def _strings(held: object) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict):
        for key, value in held.items():
            if not str(key).startswith("image/"):
                yield from _strings(value)
    elif isinstance(held, list):
        for value in held:
            yield from _strings(value)


def numbers_in(folder: Path) -> list[Read]:
    """Every number that a file shows, as often as its text differs."""
    found = {}
    for name, text in texts_of(folder):
        for shown in _NUMBER.findall(re.sub(r"<[^>]*>", " ", _SKIPPED.sub(" ", text))):
            value = float(shown.replace(",", "").replace("−", "-").replace("+", ""))
            found[name, shown] = Read(name, shown, value)
    return list(found.values())


def lone_values(patients: pd.DataFrame) -> dict[str, np.ndarray]:
    """The values of each column that exactly one patient has."""
    return {
        name: counts.index[counts == 1].to_numpy(float)
        for name in ("time", "cost", "qaly", "age")
        for counts in [patients[name].value_counts()]
    }


def own_values(folder: Path, patients: pd.DataFrame) -> list[str]:
    """Numbers of at least five digits that are, as they are shown, what one patient alone has."""
    lone = lone_values(patients)
    found = []
    for read in numbers_in(folder):
        if read.digits < 5 or read.file.startswith("protocol"):
            continue
        for name, values in lone.items():
            if any(f"{value:.{read.digits}g}" == f"{read.value:.{read.digits}g}" for value in values):
                found.append(f"{name} {read.text} in {read.file}")
    return found


def order_statistics(folder: Path, patients: pd.DataFrame) -> list[str]:
    """Real numbers of findings that are, to all shown digits, an order statistic that one patient alone has."""
    facts = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    lone = {f"{value:.9g}" for values in lone_values(patients).values() for value in values}
    return [
        f"{one['estimand']}, {one['group']}, {name}: {one[name]}"
        for one in facts["findings"]
        for name in ("real", "real_lower", "real_upper", "margin")
        if one[name] is not None and f"{one[name]:.9g}" in lone
    ]


def small_counts(folder: Path, patients: pd.DataFrame) -> list[str]:
    """Levels of one to four patients whose number follows from what the files say, by integer programming.

    The unknowns are the patients of each level of a column. Known are the total, every stated number of patients of a
    group (a multiple of five may be rounded down), and every stated share with its last digit.
    """
    facts = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    found = [
        f"n_real = {one['n_real']}: {one['estimand']}, {one['group']}"
        for one in facts["findings"]
        if 0 < (one["n_real"] or 0) < 5
    ]
    stated = list(_stated(folder, facts))
    for column in ("trt", "sex", "region"):
        counts = patients[column].value_counts()
        levels = list(counts.index)
        rows, low, high = [np.ones(len(levels))], [len(patients)], [len(patients)]
        for group, least, most in stated:
            if group in {f"{column}={level}" for level in levels}:
                rows.append(np.array([float(f"{column}={level}" == group) for level in levels]))
                low.append(least)
                high.append(most)
        for place, level in enumerate(levels):
            if not 0 < counts[level] < 5:
                continue
            ends = [_extreme(rows, low, high, place, side) for side in (1, -1)]
            if ends[0] == ends[1]:
                found.append(f"{column}: a level of {ends[0]} patients by subtraction")
    return found + _of_missing(facts, patients)


def _stated(folder: Path, facts: dict) -> Iterator[tuple[str, float, float]]:
    """Group, and the least and the most patients that a stated number leaves."""
    total = facts["n_source"]
    for one in facts["findings"]:
        if one["n_real"] and "," not in one["group"] and "vs" not in one["group"]:
            rounded = one["n_real"] % 5 == 0 and _rounds_down(facts)
            if one["kind"] in ("subgroup", "arm") and one["key"] == "costs.mean":
                yield one["group"], one["n_real"], one["n_real"] + 4 * rounded
        if one["key"] == "subgroups.representation" and one["real"] is not None:
            yield one["group"], *_around(one["real"] * total, _last_digit(one["real"]) * total)
    page = re.sub(r"data:image[^\"]*", "", (folder / "report.html").read_text(encoding="utf-8"))
    for level, count in re.findall(r"(\w+) (\d+)(?= ?\(|,|<| )", " ".join(re.findall(r"subgroup \w+.*?</tr>", page))):
        for column in ("sex", "region"):
            yield f"{column}={level}", float(count), float(count)


def _rounds_down(facts: dict) -> bool:
    """Whether all numbers of patients are multiples of five: the attacker then takes them for rounded down."""
    return all((one["n_real"] or 0) % 5 == 0 for one in facts["findings"])


def _last_digit(value: float) -> float:
    text = f"{value:.12g}"
    return 10.0 ** -len(text.split(".")[1]) if "." in text else 1.0


def _around(value: float, width: float) -> tuple[float, float]:
    return math.ceil(value - width / 2 - 1e-9), math.floor(value + width / 2 + 1e-9)


def _extreme(rows: list, low: list, high: list, place: int, side: int) -> int:
    cost = np.zeros(len(rows[0]))
    cost[place] = side
    limits = LinearConstraint(np.array(rows), np.array(low, float), np.array(high, float))
    found = milp(cost, constraints=limits, integrality=np.ones(len(cost)), bounds=Bounds(0, np.inf))
    return side * round(found.fun) if found.success else side * -(10**9)


def _of_missing(facts: dict, patients: pd.DataFrame) -> list[str]:
    """Columns missing for one to four patients, where a share of them or of those known gives their number."""
    found = []
    for one in facts["findings"]:
        if one["key"] == "structure.missingness" and one["real"] is not None:
            count = int(patients[one["column"]].isna().sum()) if one["column"] in patients else 0
            if 0 < count < 5 and abs(one["real"] * len(patients) - count) < 0.01:
                found.append(f"missing in {one['column']}: {count}, from its share")
    return found


def complements(folder: Path, patients: pd.DataFrame) -> list[str]:
    """Texts with the number, or the share to a tenth of a percent, of the patients who lack a level that few have."""
    found = []
    for column in ("sex", "region"):
        counts = patients[column].value_counts()
        for few in counts[counts < 5]:
            rest = len(patients) - int(few)
            shown = re.compile(rf"(?<![\w.,-])(?:{rest}|{rest / len(patients):.1%})(?![\w.,%]*\d)")
            for name, text in texts_of(folder):
                bare = re.sub(r"<[^>]*>", " ", _SKIPPED.sub(" ", text))
                found += [f"{column}: {one} in {name}" for one in {*shown.findall(bare)}]
    return found


def exact_sums(folder: Path, patients: pd.DataFrame) -> list[str]:
    """Sums of a column over a group that follow to six digits, and those of few patients that follow to a tenth.

    A mean gives the sum if their product with the number of patients is it. Where a group and the whole have a mean
    each, the sum of the others is their difference, within what rounding leaves.
    """
    facts = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    groups = {"all": np.ones(len(patients), bool)}
    for column in ("trt", "sex", "region"):
        groups |= {f"{column}={level}": (patients[column] == level).to_numpy() for level in patients[column].unique()}
    drawn = [pd.read_parquet(path) for path in sorted((folder / "synthetic").glob("*.parquet"))]
    found, known = [], {}
    for one in facts["findings"]:
        if one["key"] not in ("costs.mean", "utilities.mean") or one["group"] not in groups or one["real"] is None:
            continue
        values = patients.loc[groups[one["group"]], one["column"]]
        for name, mean in _means_told(one, _synthetic_means(drawn, one)):
            if math.isclose(mean * len(values), float(values.sum()), rel_tol=1e-6):
                found.append(f"{one['column']} of {one['group']}, from {name}: {mean * len(values):.2f}")
        half = RULES.step(RULES.spread(_error(one))) / 2 if (one["n_real"] or 0) % 5 == 0 else 0.0
        known[one["column"], one["group"]] = (one["real"] * len(values), half * len(values))
        largest = values.max() - values.mean()
        if one["column"] == "cost" and half * len(values) < 0.05 * largest:
            found.append(f"the dearest patient of {one['group']} within 5%, for who knows the others")
    for column in ("cost", "qaly"):
        if {(column, "all"), (column, "sex=f")} <= set(known):
            (whole, away), (part, off) = known[column, "all"], known[column, "sex=f"]
            own = float(patients.loc[patients["sex"] == "m", column].sum())
            if away + off < 0.1 * own:
                found.append(f"{column} of the two men, by subtraction: {whole - part:.2f}")
    return found


def _error(finding: dict) -> float:
    """The standard error that an interval of 90% gives."""
    return (finding["real_upper"] - finding["real_lower"]) / (2 * 1.6448536)


def _synthetic_means(drawn: list[pd.DataFrame], finding: dict) -> np.ndarray:
    """The mean in each synthetic cohort (m,), which everybody can compute from its rows."""
    column, _, level = finding["group"].partition("=")
    rows = [one if column == "all" else one[one[column].astype(str) == level] for one in drawn]
    return np.array([float(one[finding["column"]].mean()) for one in rows])


def _means_told(finding: dict, synthetic: np.ndarray) -> Iterator[tuple[str, float]]:
    """Each way to a real mean: itself, the synthetic one, and the difference or its interval with synthetic rows."""
    yield "the real mean", finding["real"]
    yield "the synthetic mean", finding["synthetic"]
    centre, relative = float(np.mean(synthetic)), finding["scale"] == "relative"
    for name, apart in (("the difference", finding["difference"]),
                        ("the middle of the interval", (finding["lower"] + finding["upper"]) / 2)):  # fmt: skip
        yield name, centre / (1 + apart) if relative else centre - apart
    half = (finding["upper"] - finding["lower"]) / 2
    if relative and half > 0:
        reach = float(stats.t.ppf(0.95, len(synthetic) - 1) * np.std(synthetic, ddof=1) / math.sqrt(len(synthetic)))
        yield "the width of the interval", reach / half


def attacked(folder: Path, patients: pd.DataFrame) -> Found:
    """Everything that the attacker finds in a run folder."""
    values = sorted({*own_values(folder, patients), *order_statistics(folder, patients)})
    counts = [*small_counts(folder, patients), *complements(folder, patients)]
    return Found(values, counts, exact_sums(folder, patients))
