"""A query reads the tables of runs, and reaches nothing else: it may stand in the yaml of a stranger."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import Results, load

ATTACKS = {
    "text": "select content from read_text('{secret}')",
    "blob": "select * from read_blob('{secret}')",
    "csv": "select * from read_csv('{secret}')",
    "file-as-table": "select * from '{secret}'",
    "names": "select * from glob('{folder}/*')",
    "sniffed": "select * from sniff_csv('{secret}')",
    "parquet": "select * from parquet_metadata('{secret}')",
    "address": "select * from read_csv('http://127.0.0.1:9/x.csv')",
    "in-a-query": "select * from query('from read_text(''{secret}'')')",
    "serialized": "select * from json_execute_serialized_sql(json_serialize_sql('from read_text(''{secret}'')'))",
    "written": "copy runs to '{folder}/out.csv'",
    "exported": "export database '{folder}/out'",
    "attached": "attach '{folder}/out.db' as other",
    "extension": "install httpfs",
    "loaded": "load httpfs",
    "extensions": "select * from duckdb_extensions()",
    "secrets": "select * from duckdb_secrets()",
    "other-database": "select * from sqlite_scan('{secret}', 'a')",
    "setting": "set enable_external_access = true",
    "reset": "reset lock_configuration",
    "logging": "from enable_logging(storage_path => '{folder}/out')",
    "pragma": "pragma database_list",
    "call": "call pragma_version()",
    "environment": "select getenv('HOME')",
    "python-array": "select * from outside",
    "two": "select 1; drop table runs",
    "inserted": "with t as (insert into runs select * from runs returning *) select * from t",
    "deleted": "with t as (delete from runs returning *) select * from t",
    "updated": "with t as (update runs set sse = 0 returning *) select * from t",
    "dropped": "drop table runs",
    "made": "create table mine as select 1",
    "explained": "explain analyze select 1",
    "no-text": "select '\udcff'",
}


@pytest.fixture(scope="module")
def results(write_run, tmp_path_factory) -> Results:
    settings = {"tags": ["paper1", "mine"], "name": "small", "notes": "of 'Monday'"}
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "a", settings=settings)
    write_run(folder / "b", settings={"seed": 1, "tags": []})
    write_run(folder / "c", settings={**settings, "seed": 2}, state="failed", error="no")
    return load(folder)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_query_reaches_nothing_but_the_tables(attack, results, tmp_path):
    outside = {"a": np.arange(3)}  # which DuckDB would take for a table
    (tmp_path / "secret").write_text("a,b\n1,2\n")
    query = attack.format(secret=tmp_path / "secret", folder=tmp_path)
    for ask in (results.sql, lambda condition: results.where(f"seed in ({condition})")):
        with pytest.raises(UserError) as raised:
            ask(query)
        assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert results.sql("select count(*), min(sse) from runs").fetchall() == [(6, 1.35)]
    assert outside


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (ATTACKS["text"], "sql: reaches for what is outside of the tables; a query reads the tables runs and metrics"),
        (ATTACKS["inserted"], "sql: is not one query that reads; a query reads the tables runs and metrics"),
        (ATTACKS["setting"], "sql: is not one query that reads; write one, such as"),
        (ATTACKS["no-text"], r"sql: holds what is no text \('\\udcff'\)"),
        ("select trainer.num_epoch from runs", "no column 'trainer.num_epoch'; did you mean 'trainer.num_epochs'"),
    ],
)
def test_what_is_refused_says_why(query, problem, results):
    with pytest.raises(UserError, match=problem):
        results.sql(query)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("'paper1' in tags", ["a", "c"]),
        ("list_contains(tags, 'mine') and len(tags) = 2", ["a", "c"]),
        ("name = 'small' and notes like '%Monday%'", ["a", "c"]),
        ("trainer.num_epochs = 3 and loss.link = 'identity'", ["a", "b", "c"]),  # which all have in common
    ],
)
def test_what_a_config_says_of_itself_can_be_asked(condition, names, results):
    kept = results.where(condition)
    assert sorted([run.name for run in kept.runs] + [one.path.name for one in kept.excluded]) == names


def test_a_query_without_end_is_interrupted(results):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # A command that was tested before in this process has a thread that counts signals, and would end the process.
    wakeup = signal.set_wakeup_fd(-1)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            results.sql("with recursive t(a) as (select 1 union all select a + 1 from t) select max(a) from t")
        assert time.perf_counter() - start < 20
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    assert len(results.table) == 6
