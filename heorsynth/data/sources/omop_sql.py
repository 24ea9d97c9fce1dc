"""The queries of a cohort in an OMOP database, in the SQL that DuckDB and PostgreSQL have in common.

Names of tables come from the data model and names of columns from the definition, where they are letters, digits and _.
All values are bound parameters. Every parameter is cast, because PostgreSQL infers another type than DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from heorsynth.data.sources.omop_database import Query
from heorsynth.data.sources.omop_definition import Definition, Endpoint, Event, EventInWindow, Measure, Prior
from heorsynth.data.sources.omop_tables import EVENTS, CdmTables

_EPOCH = "DATE '1970-01-01'"
_HELD = {"ids": "person_id", "days": "index_day", "ends": "end_day", "deaths": "death_day"}
"""The parameters that hold the cohort for later queries, each with its column: person and days since 1970-01-01."""


@dataclass
class CohortSql:
    """The steps from all persons to the cohort as common table expressions, and the queries that end in them."""

    definition: Definition
    tables: CdmTables
    values: dict[str, Any] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Of each step of the attrition: what it asks for, and its expression."""

    def __post_init__(self) -> None:
        self._concept_sets()
        self._index()
        self._follow_up()
        self._age()
        for name, event in self.definition.exclude.items():
            self._exclude(name, event)
        self._arms()

    def _bind(self, value: object, kind: str) -> str:
        """Return a parameter with its cast."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {kind})"

    def _days(self, value: int) -> str:
        return self._bind(value, "integer")

    def _query(self, title: str, text: str) -> Query:
        return Query(title, "WITH " + ",\n".join(self.parts) + "\n" + text, self.values)

    def hold(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Take the days of the cohort out of its rows, for the queries that follow; they need not find it again."""
        for name, column in _HELD.items():
            held = rows[column]
            self.values[name] = [None if missing else int(one) for one, missing in zip(held, held.isna(), strict=True)]
        return rows.drop(columns=[column for column in _HELD.values() if column != "person_id"])

    def _of_held(self, title: str, text: str) -> Query:
        """A query on the cohort that is held, and the concept sets."""
        arrays = ", ".join(
            f"unnest(CAST(:{name} AS {'bigint' if name == 'ids' else 'integer'}[])) AS {name}" for name in _HELD
        )
        chosen = (
            f"chosen AS (\n  SELECT ids AS person_id, {_EPOCH} + days AS day, {_EPOCH} + ends AS end_day,"
            f" {_EPOCH} + deaths AS death_day\n  FROM (SELECT {arrays}) AS h)"
        )
        return Query(title, "WITH " + ",\n".join([*self._sets, chosen]) + "\n" + text, self.values)

    @property
    def _sets(self) -> list[str]:
        return self.parts[: len(dict.fromkeys(name for _, _, name in self.definition.used))]

    def _concept_sets(self) -> None:
        prefix = self.tables.prefix
        for name in dict.fromkeys(name for _, _, name in self.definition.used):
            held = self.definition.concepts(name)
            ids = [self._bind(concept, "bigint") for concept in held.concepts]
            text = " UNION ".join(f"SELECT {one} AS concept_id" for one in ids)
            if held.descendants:
                text += (
                    f"\n  UNION SELECT CAST(descendant_concept_id AS bigint) FROM {prefix}concept_ancestor"
                    f" WHERE ancestor_concept_id IN ({', '.join(ids)})"
                )
            self.parts.append(f"set_{name} AS (\n  {text})")

    def events(self, event: Event) -> str:
        """Return a subquery with person_id and day of each record of an event."""
        table, concept, day, _ = EVENTS[event.domain]
        return (
            f"(SELECT person_id, CAST({day} AS date) AS day FROM {self.tables.prefix}{table}"
            f" WHERE {concept} IN (SELECT concept_id FROM set_{event.concept_set}))"
        )

    def _index(self) -> None:
        """The index event: in the calendar window, new, and observed for so long."""
        index = self.definition.index
        washout = self._days(index.washout)
        self._step(
            f"an event of {index.event.concept_set}", "hits",
            "SELECT person_id, day, lag(day) OVER (PARTITION BY person_id ORDER BY day) AS earlier\n"
            f"  FROM (SELECT DISTINCT person_id, day FROM {self.events(index.event)} AS e) AS d",
        )  # fmt: skip
        limits = [f"day {sign} {self._bind(limit, 'date')}" for sign, limit in
                  ((">=", index.first_day), ("<=", index.last_day)) if limit is not None]  # fmt: skip
        if limits:
            self._step("within the calendar dates", "dated", f"SELECT * FROM hits WHERE {' AND '.join(limits)}")
        before = self.steps[-1][1]
        self._step(
            f"none in the {index.washout} days before", "fresh",
            f"SELECT * FROM {before} WHERE earlier IS NULL OR day - earlier > {washout}",
        )  # fmt: skip
        self._step(
            f"{index.washout} days of observation before", "observed",
            "SELECT f.person_id, f.day, CAST(o.observation_period_end_date AS date) AS last_day\n"
            f"  FROM fresh AS f JOIN {self.tables.prefix}observation_period AS o ON o.person_id = f.person_id\n"
            "  WHERE f.day <= CAST(o.observation_period_end_date AS date)\n"
            f"    AND f.day - CAST(o.observation_period_start_date AS date) >= {washout}",
        )  # fmt: skip

    def _follow_up(self) -> None:
        """Follow-up ends with the observation period, death, or the horizon. It must be at least one day."""
        self.parts.append(
            "entered AS (\n  SELECT person_id, day, last_day FROM (SELECT person_id, day, last_day, row_number() OVER\n"
            "    (PARTITION BY person_id ORDER BY day, last_day DESC) AS place FROM observed) AS o WHERE place = 1)"
        )
        died = "SELECT CAST(NULL AS bigint) AS person_id, CAST(NULL AS date) AS death_day WHERE 1 = 0"
        if self.tables.deaths:
            died = (
                "SELECT CAST(person_id AS bigint) AS person_id, min(CAST(death_date AS date)) AS death_day"
                f" FROM {self.tables.prefix}death GROUP BY person_id"
            )
        self.parts.append(f"died AS (\n  {died})")
        end = "least(e.last_day, coalesce(d.death_day, e.last_day)"
        if self.definition.follow_up is not None:
            end += f", e.day + {self._days(self.definition.follow_up)}"
        self._step(
            "at least one day of follow-up", "followed",
            f"SELECT * FROM (SELECT e.person_id, e.day, {end}) AS end_day, d.death_day\n"
            "  FROM entered AS e LEFT JOIN died AS d ON d.person_id = e.person_id) AS f WHERE end_day > day",
        )  # fmt: skip

    def _age(self) -> None:
        """Age in completed years; without a month of birth 1 July is assumed, as is usual for the CDM."""
        years = (
            "CAST(extract(year FROM f.day) AS integer) - CAST(p.year_of_birth AS integer) - CASE WHEN"
            " CAST(extract(month FROM f.day) AS integer) * 100 + CAST(extract(day FROM f.day) AS integer)"
            " < coalesce(CAST(p.month_of_birth AS integer), 7) * 100 + coalesce(CAST(p.day_of_birth AS integer), 1)"
            " THEN 1 ELSE 0 END"
        )
        text = (
            f"SELECT f.*, {years} AS age, p.gender_concept_id, p.race_concept_id, p.ethnicity_concept_id\n"
            f"  FROM followed AS f JOIN {self.tables.prefix}person AS p ON p.person_id = f.person_id"
        )
        if self.definition.age is None:
            self.parts.append(f"aged AS (\n  {text})")
            self.last = "aged"
            return
        self.parts.append(f"of_any_age AS (\n  {text})")
        low, high = self.definition.age
        self._step(
            f"age {low} to {high}", "aged",
            f"SELECT * FROM of_any_age WHERE age BETWEEN {self._days(low)} AND {self._days(high)}",
        )  # fmt: skip
        self.last = "aged"

    def _exclude(self, name: str, event: EventInWindow) -> None:
        low, high = map(self._days, event.days)
        text = (
            f"SELECT c.* FROM {self.last} AS c WHERE NOT EXISTS (SELECT 1 FROM {self.events(event)} AS e\n"
            f"    WHERE e.person_id = c.person_id AND e.day BETWEEN c.day + {low} AND c.day + {high})"
        )
        self._step(f"without {name}", f"without_{name}", text)
        self.last = f"without_{name}"

    def _arms(self) -> None:
        """The arm is the first exposure in its window; on the same day, the arm that is defined first."""
        arms = self.definition.arms
        if not arms:
            self.parts.append(f"chosen AS (\n  SELECT c.*, CAST(NULL AS varchar) AS arm FROM {self.last} AS c)")
            return
        exposures = []
        for rank, (name, event) in enumerate(arms.items()):
            low, high = map(self._days, event.days)
            exposures.append(
                f"SELECT c.person_id, {self._bind(name, 'varchar')} AS arm, {self._days(rank)} AS rank,"
                " min(e.day) AS day\n"
                f"    FROM {self.last} AS c JOIN {self.events(event)} AS e ON e.person_id = c.person_id\n"
                f"    WHERE e.day BETWEEN c.day + {low} AND c.day + {high} GROUP BY c.person_id"
            )
        self.parts.append(
            "exposed AS (\n  SELECT person_id, arm FROM (SELECT x.*, row_number() OVER\n"
            "    (PARTITION BY person_id ORDER BY day, rank) AS place FROM (\n    "
            + "\n    UNION ALL\n    ".join(exposures)
            + ") AS x) AS y WHERE place = 1)"
        )
        other = "x.arm"
        if self.definition.otherwise is not None:
            other = f"coalesce(x.arm, {self._bind(self.definition.otherwise, 'varchar')})"
        text = (
            f"SELECT * FROM (SELECT c.*, {other} AS arm FROM {self.last} AS c"
            " LEFT JOIN exposed AS x ON x.person_id = c.person_id) AS a WHERE arm IS NOT NULL"
        )
        self._step("in an arm", "chosen", text)

    def _step(self, title: str, name: str, text: str) -> None:
        self.parts.append(f"{name} AS (\n  {text})")
        self.steps.append((title, name))

    def set_counts(self) -> Query:
        """Whether anybody has each concept set in the domain where it is used: 1 or 0."""
        lines = []
        for domain, name in dict.fromkeys((domain, name) for _, domain, name in self.definition.used):
            table, concept, _, _ = EVENTS[domain]
            lines.append(
                f"SELECT {self._bind(domain, 'varchar')} AS domain, {self._bind(name, 'varchar')} AS name,"
                f" count(*) AS found FROM (SELECT 1 FROM {self.tables.prefix}{table}"
                f" WHERE {concept} IN (SELECT concept_id FROM set_{name}) LIMIT 1) AS one"
            )
        text = "WITH " + ",\n".join(self._sets) + "\n" + "\nUNION ALL ".join(lines)
        return Query("whether anybody has each concept set", text, self.values)

    def attrition(self) -> Query:
        """The number of persons left after each step."""
        lines = [f"SELECT 0 AS step, count(*) AS persons FROM {self.tables.prefix}person"]
        lines += [
            f"SELECT {at}, count(DISTINCT person_id) FROM {name}" for at, (_, name) in enumerate(self.steps, start=1)
        ]
        return self._query("attrition", "\nUNION ALL ".join(lines) + "\nORDER BY step")

    def rows(self) -> Query:
        """One row a patient: age, sex, race, ethnicity, arm, endpoints, costs, and the days that `hold` takes out."""
        named, joins = self._demographics()
        chosen = ["c.person_id", "c.arm", "c.age", *named]
        chosen += [f"c.day - {_EPOCH} AS index_day", f"c.end_day - {_EPOCH} AS end_day"]
        chosen.append(f"c.death_day - {_EPOCH} AS death_day")
        for at, (name, endpoint) in enumerate(self.definition.endpoints.items()):
            time, event, join = self._endpoint(at, endpoint)
            chosen += [f"{time} AS {name}_time", f"{event} AS {name}_event"]
            joins += [join] if join else []
        for at, name in enumerate(self.definition.costs):
            joins.append(f"LEFT JOIN {self._paid(name)} AS k{at} ON k{at}.person_id = c.person_id")
            chosen.append(f"coalesce(k{at}.amount, 0) AS {name}, k{at}.records AS records_{at}")
            chosen.append(f"k{at}.least AS least_{at}, k{at}.most AS most_{at}")
        text = "SELECT " + ",\n  ".join(chosen) + "\nFROM chosen AS c\n" + "\n".join(joins) + "\nORDER BY c.person_id"
        return self._query("the cohort", text)

    def _demographics(self) -> tuple[list[str], list[str]]:
        """Return the names of sex, race and ethnicity and their joins; the id where there is no name, NULL for 0."""
        columns = {"sex": "gender_concept_id", "race": "race_concept_id", "ethnicity": "ethnicity_concept_id"}
        named = {name: column for name, column in columns.items() if name in self.definition.covariates.demographics}
        joins = [
            f"LEFT JOIN {self.tables.prefix}concept AS n_{name} ON n_{name}.concept_id = c.{column}"
            for name, column in named.items()
        ]
        texts = [
            f"CASE WHEN c.{column} <> 0 THEN coalesce(n_{name}.concept_name, CAST(c.{column} AS varchar)) END AS {name}"
            for name, column in named.items()
        ]
        return texts, joins

    def _endpoint(self, at: int, endpoint: Endpoint) -> tuple[str, str, str]:
        """Return the expressions of follow-up and event of an endpoint, and the join that they need."""
        dead = "c.death_day IS NOT NULL AND c.death_day <= c.end_day"
        if endpoint.event is None:
            return "c.end_day - c.day", f"CASE WHEN {dead} THEN 1 ELSE 0 END", ""
        join = (
            "LEFT JOIN (SELECT b.person_id, min(e.day) AS day FROM chosen AS b\n"
            f"  JOIN {self.events(endpoint.event)} AS e\n"
            "  ON e.person_id = b.person_id AND e.day > b.day AND e.day <= b.end_day GROUP BY b.person_id)"
            f" AS e{at} ON e{at}.person_id = c.person_id"
        )
        competing = f" WHEN {dead} THEN 2" if endpoint.competing else ""
        event = f"CASE WHEN e{at}.day IS NOT NULL THEN 1{competing} ELSE 0 END"
        return f"coalesce(e{at}.day, c.end_day) - c.day", event, join

    def _paid(self, name: str) -> str:
        """Return a subquery with the sum, the number of records and the currencies of a cost, by patient.

        Decimals are added up, to four places: the sum of floating numbers depends on their order, which is not fixed.
        """
        cost, prefix = self.definition.costs[name], self.tables.prefix
        low, high = map(self._days, cost.days)
        parts = []
        for domain in cost.of:
            table, _, day, record = EVENTS[domain]
            parts.append(
                f"SELECT c.person_id, CAST(k.{cost.amount} AS numeric(18, 4)) AS amount,"
                " k.currency_concept_id AS currency\n"
                f"    FROM chosen AS c JOIN {prefix}{table} AS t ON t.person_id = c.person_id\n"
                f"    JOIN {prefix}cost AS k ON k.cost_event_id = t.{record}"
                f" AND lower(k.cost_domain_id) = {self._bind(domain, 'varchar')}\n"
                f"    WHERE CAST(t.{day} AS date) BETWEEN c.day + {low} AND least(c.day + {high}, c.end_day)"
            )
        return (
            "(SELECT person_id, CAST(sum(amount) AS double precision) AS amount, count(*) AS records,"
            " min(currency) AS least, max(currency) AS most\n  FROM (\n    "
            + "\n    UNION ALL\n    ".join(parts)
            + ") AS r GROUP BY person_id)"
        )

    def history(self, domain: str, prior: Prior) -> Query:
        """The patient and concept of each covariate from history that enough patients have."""
        table, concept, day, _ = EVENTS[domain]
        low, high = map(self._days, prior.days)
        self_joined = (
            f"SELECT DISTINCT c.person_id, t.{concept} AS concept_id FROM chosen AS c\n"
            f"    JOIN {self.tables.prefix}{table} AS t ON t.person_id = c.person_id\n"
            f"    WHERE t.{concept} <> 0 AND CAST(t.{day} AS date) BETWEEN c.day + {low} AND c.day + {high}"
        )
        text = (
            f"SELECT h.person_id, h.concept_id, n.concept_name AS name FROM (\n    {self_joined}) AS h\n"
            f"  JOIN (SELECT concept_id, count(*) AS patients FROM (\n    {self_joined}) AS g GROUP BY concept_id\n"
            f"    HAVING count(*) >= {self._days(prior.at_least)} ORDER BY patients DESC, concept_id"
            f" LIMIT {self._bind(prior.most, 'bigint')}) AS f ON f.concept_id = h.concept_id\n"
            f"  LEFT JOIN {self.tables.prefix}concept AS n ON n.concept_id = h.concept_id\n"
            "ORDER BY h.concept_id, h.person_id"
        )
        return self._of_held(f"history of {domain}s", text)

    def visits(self, name: str, measure: Measure) -> Query:
        """The record of a measure nearest to each day, while the patient is followed; of equals the earlier one."""
        targets = " UNION ALL ".join(f"SELECT {self._days(day)} AS target" for day in measure.at)
        text = (
            "SELECT person_id, target, value, unit FROM (SELECT c.person_id, w.target,\n"
            "    CAST(m.value_as_number AS double precision) AS value, m.unit_concept_id AS unit, row_number() OVER\n"
            "    (PARTITION BY c.person_id, w.target\n"
            "     ORDER BY abs(CAST(m.measurement_date AS date) - c.day - w.target),\n"
            "     CAST(m.measurement_date AS date), m.measurement_id) AS place\n"
            f"  FROM chosen AS c JOIN {self.tables.prefix}measurement AS m ON m.person_id = c.person_id\n"
            f"  JOIN ({targets}) AS w\n"
            f"    ON abs(CAST(m.measurement_date AS date) - c.day - w.target) <= {self._days(measure.within)}\n"
            f"  WHERE m.measurement_concept_id IN (SELECT concept_id FROM set_{measure.measurement})\n"
            "    AND m.value_as_number IS NOT NULL AND CAST(m.measurement_date AS date) <= c.end_day) AS v\n"
            "WHERE place = 1 ORDER BY person_id, target"
        )
        return self._of_held(f"visits of {name}", text)

    def after_death(self, measure: Measure) -> Query:
        """The number of records of a measure that lie after the patient's death."""
        text = (
            f"SELECT count(*) AS records FROM chosen AS c JOIN {self.tables.prefix}measurement AS m"
            " ON m.person_id = c.person_id\n"
            f"WHERE m.measurement_concept_id IN (SELECT concept_id FROM set_{measure.measurement})\n"
            "  AND c.death_day IS NOT NULL AND CAST(m.measurement_date AS date) > c.death_day"
        )
        return self._of_held("measurements after death", text)
