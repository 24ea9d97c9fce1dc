"""Columns of every type and size that pandas can hold, in every role: they work, or an error of ours says why not."""

import datetime
import decimal
import enum
import fractions
import uuid
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError
from heorsynth.data.columns.holdable import unsupported_columns

N = 40
CANARY = "Canary-9917"


class Grade(enum.Enum):
    LOW = 1
    HIGH = 2


class Odd:
    def __repr__(self) -> str:
        return CANARY


def numbers(make: Callable[[np.random.Generator], object]) -> Callable[[], pd.Series]:
    return lambda: pd.Series(make(np.random.default_rng(7)))


def objects(*values: object) -> Callable[[], pd.Series]:
    """A column of these objects, each in turn."""

    def made() -> pd.Series:
        held = np.empty(N, dtype=object)
        for row in range(N):
            held[row] = values[row % len(values)]
        return pd.Series(held)

    return made


def arrow(values: list[object], kind: pa.DataType | None = None) -> Callable[[], pd.Series]:
    many = (values * N)[:N]
    return lambda: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(many, kind)))


def sparse(values: Callable[[np.random.Generator], np.ndarray]) -> Callable[[], pd.Series]:
    return lambda: pd.Series(pd.arrays.SparseArray(values(np.random.default_rng(7))))


SIZES = {
    "huge": numbers(lambda r: r.uniform(1, 1.7, N) * 1e308),
    "huge twice": objects(1e308, 1.7e308),
    "huge of both signs": numbers(lambda r: r.uniform(-1.7, 1.7, N) * 1e308),
    "tiny": numbers(lambda r: r.uniform(1, 2, N) * 1e-308),
    "denormal": numbers(lambda r: r.integers(1, 9, N) * 5e-324),
    "tiny to huge": numbers(lambda r: 10.0 ** r.uniform(-307, 307, N)),
    "1e160": numbers(lambda r: r.uniform(1, 2, N) * 1e160),
    "1e45": numbers(lambda r: r.uniform(1, 2, N) * 1e45),
    "1e45 of both signs": numbers(lambda r: r.uniform(-2, 2, N) * 1e45),
    "1e-45": numbers(lambda r: r.uniform(1, 2, N) * 1e-45),
    "1e-12": numbers(lambda r: r.uniform(1, 2, N) * 1e-12),
    "1e-45 to 1e45": numbers(lambda r: 10.0 ** r.uniform(-45, 45, N)),
    "1e15": numbers(lambda r: r.integers(1, 999, N) * 1e15),
    "1e15 and parts": numbers(lambda r: r.uniform(1, 2, N) * 1e15),
    "near 1e15": numbers(lambda r: 1e15 + r.integers(0, 9, N)),
    "1e18 whole": numbers(lambda r: r.integers(1, 9 * 10**18, N)),
    "money of millions of millions": numbers(lambda r: r.normal(0, 1e13, N).round(2)),
    "negative": numbers(lambda r: -r.gamma(2, 3000, N)),
    "one of 1e300": numbers(lambda r: np.where(np.arange(N) == 0, 1e300, r.normal(50, 9, N))),
    "one of 1e20": numbers(lambda r: np.where(np.arange(N) == 0, 1e20, r.normal(50, 9, N).round(2))),
    "one of 1e-45": numbers(lambda r: np.where(np.arange(N) == 0, 1e-45, r.normal(50, 9, N).round(2))),
    "zero": numbers(lambda r: np.zeros(N)),
    "zero of both signs": objects(-0.0, 1.0, 0.0),
    "some infinite": numbers(lambda r: np.where(r.random(N) < 0.2, np.inf, 3.0)),
    "some infinite below": numbers(lambda r: np.where(r.random(N) < 0.2, -np.inf, 3.0)),
    "all infinite": numbers(lambda r: np.full(N, np.inf)),
    "all missing": numbers(lambda r: np.full(N, np.nan)),
    "some missing": numbers(lambda r: np.where(r.random(N) < 0.3, np.nan, r.normal(50, 9, N))),
    "one known": numbers(lambda r: np.where(np.arange(N) > 0, np.nan, 3.0)),
    "unsigned": numbers(lambda r: r.integers(2**63, 2**64 - 1, N, dtype=np.uint64)),
    "ends of int64": objects(-(2**63), 2**63 - 1, 5),
    "beyond int64": objects(2**70, 2**80, 3),
}

TYPES = {
    "bool": numbers(lambda r: r.random(N) < 0.5),
    "bool objects": objects(True, False),
    "bool, none": objects(True, False, None),
    "int8": numbers(lambda r: r.integers(1, 99, N).astype(np.int8)),
    "uint8": numbers(lambda r: r.integers(1, 255, N).astype(np.uint8)),
    "float16": numbers(lambda r: r.uniform(1, 900, N).astype(np.float16)),
    "float32": numbers(lambda r: r.uniform(1, 900, N).astype(np.float32)),
    "longdouble": numbers(lambda r: r.uniform(1, 900, N).astype(np.longdouble)),
    "complex": numbers(lambda r: r.uniform(1, 9, N) + 1j),
    "complex64": numbers(lambda r: (r.uniform(1, 9, N) + 0j).astype(np.complex64)),
    "complex objects": objects(1 + 2j, 3 + 0j),
    "bytes": objects(CANARY.encode(), b"x"),
    "bytearray": objects(bytearray(b"ab"), bytearray(b"c")),
    "memoryview": objects(memoryview(b"ab")),
    "numpy bytes": objects(np.bytes_(b"a"), np.bytes_(b"b")),
    "surrogates": objects("\udcff\ud800x", "y"),
    "one surrogate": lambda: pd.Series(["\ud800", *["y", "z"] * (N // 2 - 1), "y"]),
    "empty": objects("", "a"),
    "all empty": objects(""),
    "null byte": objects("a\0b", "c"),
    "escapes": objects("a\nb", "c\x1b[31m"),
    "spaces": objects(" a", "a"),
    "long": objects("q" * 3000, "z"),
    "text, none": objects("a", "b", None),
    "text, nan": objects("a", "b", np.nan),
    "text, number": objects("a", 1),
    "digits": objects("1", "2"),
    "category": lambda: objects("a", "b")().astype("category"),
    "category of numbers": lambda: objects(1, 2)().astype("category"),
    "category of floats": lambda: pd.Series(np.arange(N) / 7).astype("category"),
    "unused category": lambda: pd.Series(pd.Categorical(objects("a", "b")(), categories=["a", "b", "c"])),
    "category of intervals": lambda: pd.cut(pd.Series(np.linspace(0, 9, N)), 3),
    "category of none": lambda: pd.Series(pd.Categorical([None] * N, categories=["a"])),
    "category of dates": lambda: objects(pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01"))().astype("category"),
    "dates": lambda: pd.Series(pd.date_range("2020-01-01", periods=N)),
    "dates with a zone": lambda: pd.Series(pd.date_range("2020-01-01", periods=N, tz="UTC")),
    "no dates": lambda: pd.Series([pd.NaT] * N),
    "period": lambda: pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
    "time spans": lambda: pd.Series(pd.to_timedelta(np.arange(1, N + 1), "D")),
    "date objects": objects(datetime.date(2020, 1, 1), datetime.date(2021, 2, 3)),
    "times of day": objects(datetime.time(3, 4), datetime.time(5, 6)),
    "datetime objects": objects(datetime.datetime(2020, 1, 1), datetime.datetime(1, 1, 1)),
    "time span objects": objects(datetime.timedelta(1), datetime.timedelta(2)),
    "numpy dates": objects(np.datetime64("2020-01-01"), np.datetime64("2021-01-01")),
    "interval": lambda: pd.Series(pd.arrays.IntervalArray.from_breaks(np.arange(N + 1.0))),
    "interval objects": objects(pd.Interval(0, 1), pd.Interval(1, 2)),
    "sparse": sparse(lambda r: np.where(r.random(N) < 0.7, 0.0, 3.5)),
    "sparse whole": sparse(lambda r: r.integers(1, 99, N)),
    "sparse bool": sparse(lambda r: r.random(N) < 0.3),
    "sparse codes": sparse(lambda r: r.integers(0, 2, N)),
    "Int64": lambda: pd.Series(np.arange(1, N + 1)).astype("Int64"),
    "Int64 with gaps": lambda: pd.Series(np.arange(1, N + 1)).astype("Int64").mask(np.arange(N) % 5 == 0),
    "Float64 with gaps": lambda: pd.Series(np.linspace(1, 9, N)).astype("Float64").mask(np.arange(N) % 5 == 0),
    "boolean": lambda: objects(True, False)().astype("boolean"),
    "boolean with gaps": lambda: objects(True, False, None)().astype("boolean"),
    "string": lambda: objects("a", "b")().astype("string"),
    "string with gaps": lambda: objects("a", "b", None)().astype("string"),
    "arrow whole": arrow([3, 5, 8, 9], pa.int32()),
    "arrow whole with gaps": arrow([3, 5, 8, None], pa.int64()),
    "arrow floats": arrow([1.5, 2.5, 9.25]),
    "arrow half": arrow([np.float16(1.5), np.float16(2)], pa.float16()),
    "arrow bool": arrow([True, False]),
    "arrow bool with gaps": arrow([True, False, None]),
    "arrow text": arrow(["a", "b"]),
    "arrow binary": arrow([b"a", b"b"]),
    "arrow list": arrow([[1, 2], [3]]),
    "arrow struct": arrow([{"a": 1}]),
    "arrow decimals": arrow([decimal.Decimal("1.5"), decimal.Decimal("2.25")]),
    "arrow date": arrow([datetime.date(2020, 1, 1)]),
    "arrow moment": arrow([datetime.datetime(2020, 1, 1)]),
    "arrow time spans": arrow([datetime.timedelta(1)]),
    "arrow nothing": arrow([None]),
    "arrow time": arrow([datetime.time(1)]),
    "decimals": objects(decimal.Decimal("1.5"), decimal.Decimal("33.25")),
    "decimals, none": objects(decimal.Decimal("NaN"), decimal.Decimal("2")),
    "signalling decimals": objects(decimal.Decimal("sNaN"), decimal.Decimal("2")),
    "infinite decimals": objects(decimal.Decimal("Infinity"), decimal.Decimal("2")),
    "huge decimals": objects(decimal.Decimal("1e400"), decimal.Decimal("2")),
    "fractions": objects(fractions.Fraction(1, 3), fractions.Fraction(2, 3)),
    "uuid": objects(uuid.UUID(int=1), uuid.UUID(int=2)),
    "enum": objects(Grade.LOW, Grade.HIGH),
    "odd objects": objects(Odd(), Odd()),
    "types": objects(int, str),
    "functions": objects(len, max),
    "lists": objects([1], [2]),
    "dicts": objects({"a": 1}, {}),
    "sets": objects({1}, {2}),
    "tuples": objects((1, 2), (3,)),
    "arrays": objects(np.arange(3), np.arange(2)),
    "series": objects(pd.Series([1])),
    "frames": objects(pd.DataFrame()),
    "ellipsis": objects(..., ...),
    "NA objects": objects(pd.NA, "a", "b"),
    "NA numbers": objects(pd.NA, 1, 2),
    "NaT, text": objects(pd.NaT, "a"),
    "numpy scalars": objects(np.float32(1.5), np.int8(2)),
    "numpy text": objects(np.str_("a"), np.str_("b")),
    "void": objects(np.zeros(1, dtype=[("a", int)])[0]),
    "ranges": objects(range(3), range(4)),
}

ROLES = {
    "covariate": ("age", {}),
    "time": ("time", {}),
    "event": ("event", {}),
    "arm": ("arm", {}),
    "subgroup": ("sex", {}),
    "cost": ("cost", {}),
    "utility": ("qaly", {}),
    "entry": ("entry", {"entry": "entry"}),
    "id": ("patient", {}),
    "source of a band": ("age", {"bands": {"age_group": ("age", (50, 70), ("<50", "50-69", "70+"))}}),
    "part of a total": ("drug", {"totals": {"cost": ["drug", "stay"]}}),
}


SIZES_FIRST, TYPES_FIRST = ("covariate", "time"), ("covariate", "arm")
"""Roles that every run of the tests tries, of numbers and of levels; the others take long and are alike."""


def patients() -> pd.DataFrame:
    r = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "patient": [f"p{row}" for row in range(N)],
            "time": r.integers(2, 999, N),
            "event": r.integers(0, 2, N),
            "arm": r.choice(["a", "b"], N),
            "sex": r.choice(["f", "m"], N),
            "age": r.normal(62, 10, N).round(),
            "cost": r.gamma(2, 2000, N).round(2),
            "qaly": r.uniform(0, 1, N).round(3),
        }
    )


def cohort_with(column: pd.Series, role: str) -> hs.Cohort:
    name, more = ROLES[role]
    frame = patients()
    frame[name] = column
    if role == "part of a total":
        frame["stay"] = np.arange(N) * 1.0
        frame["cost"] = frame["drug"] + frame["stay"]
    declared = {"arm": "arm", "subgroups": ["sex"], "costs": ["cost"], "utilities": ["qaly"], "id": "patient", **more}
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, **declared)


def tried(column: pd.Series, role: str, *, judged: bool) -> str:
    """Runs a column through everything; what is wrong with how it went, or nothing."""
    try:
        cohort = cohort_with(column, role)
        syn = hs.generators.create("heor").fit(cohort, seed=1).sample(m=2, seed=1)
        shown = repr(cohort) + cohort._repr_html_() + repr(syn)
        if judged:
            shown += repr(hs.validate(cohort, syn, purpose="teaching", seed=1))
    except errors.EngineError as error:
        return f"failed within a task: {error.problems[0].found}"
    except HeorsynthError as error:
        shown = str(error)
    return "shows a patient's value" if CANARY in shown else ""


@pytest.mark.parametrize(
    "role", [pytest.param(role, marks=[] if role in SIZES_FIRST else pytest.mark.long) for role in ROLES]
)
def test_a_column_of_any_size_works_or_is_refused_by_an_error_of_ours(role: str) -> None:
    found = {
        kind: told
        for kind, make in SIZES.items()
        if role != "part of a total" or kind not in UNADDABLE
        if (told := tried(make(), role, judged=role in ("covariate", "time", "cost")))
    }
    assert found == {}


UNADDABLE = {"beyond int64", "ends of int64", "unsigned", "1e18 whole", "some infinite", "some infinite below"}
"""Columns of which the test itself cannot make a total without a warning of numpy's."""


@pytest.mark.parametrize(
    "role",
    [
        pytest.param(role, marks=[] if role in TYPES_FIRST else pytest.mark.long)
        for role in ROLES
        if role != "part of a total"
    ],
)
def test_a_column_of_any_type_works_or_is_refused_by_an_error_of_ours(role: str) -> None:
    found = {kind: told for kind, make in TYPES.items() if (told := tried(make(), role, judged=False))}
    assert found == {}


def test_enough_hostile_columns_are_tried() -> None:
    assert (len(SIZES) + len(TYPES)) * len(ROLES) > 1000


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (TYPES["sparse"], "is sparse"),
        (TYPES["bytes"], "holds bytes, not text"),
        (TYPES["longdouble"], "astype(float)"),
        (TYPES["float16"], "is of type float16"),
        (TYPES["complex"], "is of type complex128"),
        (TYPES["interval"], "is of type interval"),
        (TYPES["period"], "is of type period"),
        (TYPES["surrogates"], "characters that cannot be written"),
        (TYPES["odd objects"], "objects of type Odd"),
        (TYPES["lists"], "lists or other containers"),
        (SIZES["huge"], "40 of 40 values are larger than 1e+50"),
        (TYPES["time spans"], "holds time spans"),
    ],
)
def test_what_cannot_be_held_is_told_with_what_to_do(column: Callable[[], pd.Series], told: str) -> None:
    with pytest.raises(errors.CohortError) as refused:
        cohort_with(column(), "covariate")
    assert told in str(refused.value)
    assert "fix:" in str(refused.value)


@pytest.mark.parametrize(
    "kind",
    ["sparse", "bytes", "numpy bytes", "longdouble", "float16", "complex", "complex64", "complex objects", "interval",
     "category of intervals", "interval objects", "period", "time spans", "fractions", "uuid", "arrow half",
     "arrow binary"],
)  # fmt: skip
def test_the_told_line_makes_a_column_one_that_is_no_longer_refused_for_its_type(kind: str) -> None:
    frame = pd.DataFrame({"x": TYPES[kind]()})
    line = unsupported_columns(frame)[0][1].fix
    exec(line.split(": ", 1)[1], {"frame": frame})
    assert "frame['x'] = " in line and not unsupported_columns(frame)


def test_numbers_of_arrow_are_numbers_and_keep_their_gaps() -> None:
    held = cohort_with(TYPES["arrow whole with gaps"](), "covariate").frame["age"]
    assert str(held.dtype) == "Int64" and held.isna().sum() == N // 4 and held[0] == 3
    assert cohort_with(TYPES["arrow whole"](), "covariate").frame["age"].dtype == np.int32
