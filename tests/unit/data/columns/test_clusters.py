"""The role of a cluster: what is refused, and the names that tell none."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns.clusters import cluster_names, renamed_clusters
from heorsynth.data.columns.schema import Schema

N = 60
RNG = np.random.default_rng(0)
PATIENTS = pd.DataFrame({
    "time": RNG.integers(2, 999, N), "event": RNG.integers(0, 2, N), "arm": RNG.choice(["a", "b"], N),
    "age": RNG.normal(62, 10, N).round(1), "site": np.arange(N) % 6 + 1,
})  # fmt: skip


def cohort(frame: pd.DataFrame = PATIENTS, **roles: object) -> hs.Cohort:
    return hs.Cohort(frame, **{"endpoints": {"os": ("time", "event")}, "arm": "arm", "cluster": "site", **roles})


IMPOSSIBLE = [
    ({"site": 1}, "1 cluster, expected 2 or more"),
    ({"site": np.arange(N)}, "as many clusters as patients"),
    ({"site": PATIENTS["site"].where(PATIENTS.index > 2)}, "3 of 60 patients have none"),
    ({"site": PATIENTS["site"] + 0.5}, "no labels or whole numbers"),
    ({"site": PATIENTS["site"] > 3}, "no labels or whole numbers"),
    ({"site": pd.Timestamp("2024-01-01") + pd.to_timedelta(PATIENTS["site"], "D")}, "no labels or whole numbers"),
]


@pytest.mark.parametrize(("columns", "told"), IMPOSSIBLE)
def test_an_impossible_cluster_is_refused_without_a_value(columns: dict[str, object], told: str) -> None:
    with pytest.raises(errors.RoleError) as refused:
        cohort(PATIENTS.assign(**columns))
    assert told in str(refused.value)


@pytest.mark.parametrize(("name", "told"), [("arm", "cluster and arm"), ("time", "cluster and time"), ("ste", "site")])
def test_another_role_or_no_column_is_refused(name: str, told: str) -> None:
    with pytest.raises(errors.CohortError, match=told):
        cohort(cluster=name)


@pytest.mark.parametrize("slip", [5, ["site"], {"site": 1}, b"site", True, np.nan])
def test_what_is_no_name_is_refused(slip: object) -> None:
    with pytest.raises(errors.RoleError, match="not the name of a column"):
        cohort(cluster=slip)


def test_labels_and_whole_numbers_are_clusters() -> None:
    for names in (PATIENTS["site"], PATIENTS["site"].astype(float), "ward " + PATIENTS["site"].astype(str)):
        held = cohort(PATIENTS.assign(site=names))
        assert held.schema.cluster == "site" and "6 clusters" in repr(held)
        assert "site" not in held.covariates


def test_a_schema_with_a_cluster_is_written_and_read() -> None:
    schema = cohort().schema
    assert Schema.from_dict(schema.to_dict()) == schema
    assert "cluster" not in cohort(cluster=None).schema.to_dict()
    assert schema.identifiers == {"site"}


def test_new_names_tell_no_site_and_keep_who_is_together() -> None:
    names = pd.Series(["Leeds", "York", "Leeds", "Leeds", "York", "Hull"])
    assert renamed_clusters(names).tolist() == ["C01", "C02", "C01", "C01", "C02", "C03"]
    assert cluster_names(120)[-1] == "C120"


def test_generators_that_copy_rows_do_not_hand_out_the_names_of_sites() -> None:
    held = cohort(PATIENTS.assign(site="St " + PATIENTS["site"].astype(str)))
    for name in ("bootstrap", "marginals"):
        drawn = hs.generators.create(name).fit(held, seed=1).sample(m=1, seed=1)
        assert set(drawn[0].frame["site"]) <= set(cluster_names(6)) and drawn.broken == {}


def test_a_folder_refuses_a_cluster(tmp_path) -> None:
    PATIENTS.to_parquet(tmp_path / "0.parquet")
    with pytest.raises(errors.RoleError, match="a folder has no clusters"):
        hs.CohortFolder(tmp_path, endpoints={"os": ("time", "event")}, cluster="site")


def test_no_rule_is_of_a_cluster() -> None:
    """A code of the site and its region would be a rule, and a copy has other sites."""
    site = np.arange(400) % 20
    frame = pd.DataFrame({"time": np.arange(1, 401), "event": np.arange(400) % 2, "site": site})
    frame["region"] = np.where(site > 9, "north", "south")
    frame["beds"] = np.where(site > 9, 200, 100) + site % 3
    held = {"endpoints": {"os": ("time", "event")}}
    assert any("region" in text for text in hs.Cohort(frame.drop(columns="site"), **held).rules().texts)
    found = hs.Cohort(frame, **held, cluster="site").rules().texts
    assert not any("site" in text or "region" in text for text in found)
