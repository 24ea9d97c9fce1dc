"""The bundled datasets, each with its source, its citation and the roles of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import pandas as pd

from heorsynth.core.errors import FileError, Problem
from heorsynth.data.columns.levels import banded


@dataclass(frozen=True)
class Dataset:
    """A dataset: its title, source, licence, reader, and the roles of its columns."""

    title: str
    citation: str
    licence: str
    read: Callable[[], pd.DataFrame]
    roles: Mapping[str, object] = field(default_factory=dict)


AGE_BANDS = ("age", (40.0, 50.0, 60.0), ("<40", "40-49", "50-59", "60+"))


def _pbc() -> pd.DataFrame:
    with resources.as_file(resources.files("heorsynth.data.datasets") / "pbc.csv") as path:
        frame = pd.read_csv(path)
    frame.insert(list(frame.columns).index("sex") + 1, "age_group", banded(frame["age"], *AGE_BANDS[1:]))
    return frame


def _randhie() -> pd.DataFrame:
    with resources.as_file(resources.files("statsmodels.datasets.randhie") / "src" / "randhie.csv") as path:
        frame = pd.read_csv(path)
    second = frame[frame["year"] == 2].copy()
    person = {
        "plan": np.where(second["coins"] == 0, "free", "cost sharing"),
        "sex": np.where(second["female"] == 1, "f", "m"),
        "race": np.where(second["black"] == 1, "black", "other"),
        "income": second["income"].round(2),
        "age": second["xage"].round(2),
        "schooling": second["educdec"],
        "chronic": second["disea"].round(2),
        "meddol": second["meddol"].round(2),
        "visits": second["mdvis"],
    }
    return pd.DataFrame(person).reset_index(drop=True)


def _lifelines(name: str, **levels: Mapping[object, object]) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        from lifelines import datasets

        frame = getattr(datasets, f"load_{name}")().reset_index(drop=True)
        for column, mapping in levels.items():
            frame[column] = frame[column].map(dict(mapping))
        return frame

    return read


def _lung() -> pd.DataFrame:
    frame = _lifelines("lung")()
    frame["sex"] = frame["sex"].map({1: "m", 2: "f"})
    return frame.drop(columns=[name for name in ("inst",) if name in frame])


def _rossi() -> pd.DataFrame:
    frame = _lifelines("rossi")()
    frame["race"] = frame["race"].map({1: "black", 0: "other"})
    frame["fin"] = frame["fin"].map({1: "aid", 0: "none"})
    return frame


def _sksurv(loader: str, *drop: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        try:
            from sksurv import datasets
        except ImportError as error:
            raise FileError(
                "dataset", Problem("", "scikit-survival is not installed", "pip install 'heorsynth[datasets]'")
            ) from error
        covariates, outcome = getattr(datasets, loader)()
        event, time = outcome.dtype.names
        frame = covariates.drop(columns=list(drop)).reset_index(drop=True)
        for name in frame.columns[frame.dtypes == "category"]:
            frame[name] = frame[name].astype(str).where(frame[name].notna(), None)
        frame.insert(0, "time", outcome[time].astype(float))
        frame.insert(1, "event", outcome[event].astype(int))
        return frame[frame["time"] > 0].reset_index(drop=True)

    return read


_OS = {"endpoints": {"os": ("time", "event")}}
_GPL_PACKAGE = "as in scikit-survival (GPL-3), read from it where installed"
_PUBLIC = "public domain"

CATALOGUE: Mapping[str, Dataset] = {
    "pbc": Dataset(
        "Mayo Clinic primary biliary cholangitis, a rare liver disease: 418 patients, 312 randomised",
        "Therneau & Grambsch (2000) Modeling Survival Data, Springer; Fleming & Harrington (1991), Wiley",
        "facts as published; exported from R's survival package by pbc.R", _pbc,
        {"endpoints": {"os": ("time", "event", {1: "death", 2: "transplant"})}, "arm": "trt",
         "arm_reference": "placebo", "subgroups": ["sex", "age_group"], "unit": "day",
         "bands": {"age_group": AGE_BANDS}}),
    "randhie": Dataset(
        "RAND Health Insurance Experiment, second year: spending in dollars on randomised plans",
        "Newhouse et al. (1993) Free for All?, Harvard; Deb & Trivedi (2002) J Health Econ 21:601",
        _PUBLIC, _randhie,
        {"endpoints": {}, "arm": "plan", "arm_reference": "cost sharing", "costs": ["meddol"],
         "subgroups": ["sex", "race"], "currency": "USD"}),
    "lung": Dataset(
        "Advanced lung cancer, North Central Cancer Treatment Group: 228 patients",
        "Loprinzi et al. (1994) J Clin Oncol 12:601", "as in lifelines (MIT)", _lung,
        {"endpoints": {"os": ("time", "status")}, "subgroups": ["sex"], "unit": "day"}),
    "rossi": Dataset(
        "Recidivism after release from prison, with randomised financial aid: 432 persons",
        "Rossi, Berk & Lenihan (1980) Money, Work and Crime, Academic Press", "as in lifelines (MIT)", _rossi,
        {"endpoints": {"arrest": ("week", "arrest")}, "arm": "fin", "arm_reference": "none", "subgroups": ["race"],
         "unit": "week"}),
    "gbsg2": Dataset(
        "German Breast Cancer Study Group 2: recurrence-free survival of 686 women",
        "Schumacher et al. (1994) J Clin Oncol 12:2086", "as in lifelines (MIT)",
        _lifelines("gbsg2"),
        {"endpoints": {"rfs": ("time", "cens", {1: "recurrence or death"})}, "arm": "horTh",
         "arm_reference": "no", "subgroups": ["menostat"], "unit": "day"}),
    "veterans": Dataset(
        "Veterans' Administration lung cancer trial: 137 men", "Kalbfleisch & Prentice (1980), Wiley", _GPL_PACKAGE,
        _sksurv("load_veterans_lung_cancer"),
        {**_OS, "arm": "Treatment", "arm_reference": "standard", "subgroups": ["Celltype"], "unit": "day"}),
    "whas500": Dataset(
        "Worcester Heart Attack Study: 500 patients", "Hosmer, Lemeshow & May (2008), Wiley", _GPL_PACKAGE,
        _sksurv("load_whas500"), {**_OS, "subgroups": ["gender"], "unit": "day"}),
    "aids": Dataset(
        "AIDS Clinical Trials Group 320: 1,151 patients", "Hammer et al. (1997) N Engl J Med 337:725", _GPL_PACKAGE,
        _sksurv("load_aids", "txgrp"),
        {"endpoints": {"aids": ("time", "event", {1: "AIDS or death"})}, "arm": "tx", "arm_reference": "0",
         "subgroups": ["sex"], "unit": "day"}),
    "flchain": Dataset(
        "Serum free light chain and mortality in Olmsted County", "Dispenzieri et al. (2012) Mayo Clin Proc 87:517",
        _GPL_PACKAGE, _sksurv("load_flchain", "chapter"), {**_OS, "subgroups": ["sex"], "unit": "day"}),
}  # fmt: skip
"""Name to dataset."""
