"""The table has a row a run, columns of one type, and is the same after a way through a file."""

import io
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from grokscope.analysis.many_runs.outcomes import COLUMNS, RunOutcome
from grokscope.analysis.many_runs.table import from_json, outcome_table, outcomes_in, to_json, to_parquet


def outcomes(**settings):
    """The first failed, of the others one never grokked."""
    common = {"outcome": "grokked", "last_step": 400, "fitted": 20, "seconds": 1.5, "train_loss": 0.1}
    return [
        RunOutcome(run="a", settings=dict(zip(settings, [each[0] for each in settings.values()], strict=True)),
                   seed=0, seeds=(0,) * 4, status="failed", error="RunError: the disk is full"),
        RunOutcome(run="b", settings=dict(zip(settings, [each[1] for each in settings.values()], strict=True)),
                   seed=None, seeds=(0, 1, 0, 0), key_frequencies=(3, 5), n_key_frequencies=2, grokked=300,
                   measures={"gini_W_E": 0.7}, **common),
        RunOutcome(run="c", settings=dict(zip(settings, [each[0] for each in settings.values()], strict=True)),
                   seed=1, seeds=(1,) * 4, key_frequencies=(), n_key_frequencies=0, **common),
    ]  # fmt: skip


def through_a_file(table):
    return pd.read_parquet(io.BytesIO(to_parquet(table)))


def test_the_columns_are_the_fields():
    table = outcome_table(outcomes(**{"optimizer.weight_decay": (0.3, 1.0)}), measures=["gini_W_E"])
    names = list(COLUMNS)
    place = names.index("settings")
    names[place : place + 1] = ["optimizer.weight_decay"]
    place = names.index("measures")
    names[place : place + 1] = ["gini_W_E"]
    assert table.columns.tolist() == names
    assert table["grokked"].tolist() == [pd.NA, 300, pd.NA]
    assert table["gini_W_E"].tolist()[1] == 0.7
    assert table["key_frequencies"].tolist() == [None, (3, 5), ()]
    assert table["optimizer.weight_decay"].tolist() == [0.3, 1.0, 0.3]
    assert table["error"].tolist()[0] == "RunError: the disk is full"


def test_every_column_has_words_for_a_reader():
    assert all(column.label for column in COLUMNS.values() if column.dtype != "columns")


def test_columns_that_are_asked_for_are_there_without_values():
    table = outcome_table([], ["optimizer.lr"], ["gini_W_E"])
    assert {"optimizer.lr", "gini_W_E"} <= set(table.columns)
    assert through_a_file(table).columns.tolist() == table.columns.tolist()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("optimizer.weight_decay", (0.3, 1.0)),
        ("optimizer.weight_decay", (0, 1.5)),
        ("optimizer.betas", ([0.9, 0.98], [0.9, 0.999])),
        ("stop.test_loss", (None, 0.1)),
        ("task.operation", ("add", "subtract")),
        ("odd", ("add", 1)),
    ],
)
def test_through_a_file(name, values):
    there = outcomes(**{name: values})
    table = outcome_table(there)
    written = through_a_file(table)
    assert written.columns.tolist() == table.columns.tolist()
    assert written["error"].isna().tolist() == [False, True, True]
    read = outcomes_in(written, [name])
    plain = outcomes_in(table, [name])
    assert read == plain
    if not isinstance(values[0], list) and name != "odd":
        assert [each.settings for each in read] == [each.settings for each in there]
    for one, other in zip(read, there, strict=True):
        assert (one.seeds, one.key_frequencies, one.grokked) == (other.seeds, other.key_frequencies, other.grokked)
    assert read[1].measures == {"gini_W_E": 0.7}


def test_lists_are_lists_in_parquet():
    for table in (outcome_table(outcomes()), outcome_table(outcomes()[:1])):
        schema = pq.read_schema(io.BytesIO(to_parquet(table)))
        assert str(schema.field("key_frequencies").type) == "list<element: int64>"


def test_a_table_of_an_older_version():
    old = pd.DataFrame(
        {"run": ["a", "b"], "p": [53, 59], "seed": [3, 4], "key_frequencies": ["3 5", None], "gini": 0.5}
    )
    first, second = outcomes_in(old, ["p"])
    assert (first.key_frequencies, first.seeds, first.settings) == ((3, 5), (3, 3, 3, 3), {"p": 53})
    assert second.key_frequencies is None
    assert first.measures == {"gini": 0.5}


def test_through_json():
    for each in outcomes(p=(53, 59)):
        assert from_json(json.loads(json.dumps(to_json(each)))) == each
