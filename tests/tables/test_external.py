"""Numbers from elsewhere are rows of their own: where they stand, that they are marked, and what is wrong in a file."""

import csv
import io

import pytest

from ae_jax.errors import UserError
from ae_jax.results import load
from ae_jax.tables.formats import csv_text, markdown
from ae_jax.tables.latex import latex

LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
HEAD = "name,latent_size,measure,value,n,source"
GOOD = f"""{HEAD}
"Sparse coding, K = 3",2,sse,0.10,3,"Doe 2020, table 2"
"Sparse coding, K = 3",2,explained_variance,0.99,3,"Doe 2020, table 2"
Tool & co,1,sse,3e0,,https://tool.example/a_b
Tool & co,3,sse,1.5,7,https://tool.example/a_b
"""
TABLES = ("comparison", "best", "differences")


@pytest.fixture(scope="module")
def results(tmp_path_factory, write_run, seeds):
    """Two models at sizes 1, 2 and 4."""
    folder = tmp_path_factory.mktemp("results")
    steps = (1.0, 1.01, 0.99, 1.02, 0.98)
    runs = []
    for model, base in (({}, 4.0), (LINEAR, 4.4)):
        for size in (1, 2, 4):
            runs += seeds(*(base / size * step for step in steps), settings=model | {"model.latent_size": size})
    for number, run in enumerate(runs):
        write_run(folder / str(number), **run)
    return load(folder)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write rows.csv in the working folder."""
    monkeypatch.chdir(tmp_path)

    def written(content):
        (tmp_path / "rows.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return "rows.csv"

    return written


def rows_of(table):
    return list(csv.DictReader(io.StringIO(csv_text(table))))


@pytest.mark.parametrize("name", TABLES)
def test_rows_stand_in_the_block_of_their_size(name, results, build_table, write):
    table = build_table(name, results, external=write(GOOD))
    rows = rows_of(table)
    places = [(row["model.latent_size"], row["model"]) for row in rows if row["source"]]
    assert places == [("1", "Tool & co"), ("2", "Sparse coding, K = 3"), ("3", "Tool & co")]
    sizes = [int(row["model.latent_size"]) for row in rows]
    assert sizes == sorted(sizes)
    assert [row["model"] for row in rows if row["model.latent_size"] == "2"][-1] == "Sparse coding, K = 3"
    (sparse,) = [row for row in rows if row["model"].startswith("Sparse")]
    assert (sparse["sse_mean"], sparse["sse_n"], sparse["num_seeds"]) == ("0.1", "3", "3")
    assert (sparse["explained_variance_mean"], sparse["source"]) == ("0.99", "Doe 2020, table 2")
    assert sum(bool(row["sse_ratio_mean"]) for row in rows) == len(rows) - 3
    assert len(table.sections) == len(build_table(name, results).sections) + 1  # size 3


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_marked_never_bold_and_cited(name, results, build_table, write):
    table = build_table(name, results, external=write(GOOD))
    without = build_table(name, results)
    marked = [row for row in table.rows if any(cell.mark for cell in row)]
    assert len(marked) == 3
    assert not any(cell.bold for row in marked for cell in row)  # though 0.10 is the lowest by far
    bold = [
        [cell.value for cell in row if cell.bold] for one in (table, without) for row in one.rows if row not in marked
    ]
    assert bold[: len(bold) // 2] == bold[len(bold) // 2 :]
    notes = {note.mark: note.text for note in table.notes if note.mark}
    assert notes == {"a": "https://tool.example/a_b", "b": "Doe 2020, table 2"} or notes == {
        "a": "Doe 2020, table 2", "b": "https://tool.example/a_b"
    }  # fmt: skip
    assert any("numbers from elsewhere" in note.text for note in table.notes)
    assert "0.10" in markdown(table)  # as it is written
    assert r"Tool \& co\textsuperscript{" in latex(table)


def test_a_row_without_number_of_seeds(results, build_table, write):
    rows = rows_of(build_table("comparison", results, external=write(GOOD)))
    (row,) = [row for row in rows if row["model.latent_size"] == "1" and row["source"]]
    assert (row["num_seeds"], row["sse_n"], row["sse_mean"]) == ("", "", "3.0")


def test_tables_that_name_no_model_get_a_column_for_it(make_results, seeds, build_table, write):
    results = make_results(*seeds(1.0, 1.1, settings={"optimizer.learning_rate": 0.1}),
                           *seeds(1.2, 1.3, settings={"optimizer.learning_rate": 0.2}))  # fmt: skip
    rows = rows_of(build_table("comparison", results, external=write(GOOD)))
    assert [(row["optimizer.learning_rate"], row["model.latent_size"], row["model"]) for row in rows] == [
        ("", "1", "Tool & co"), ("0.1", "2", "dense"), ("0.2", "2", "dense"), ("", "2", "Sparse coding, K = 3"),
        ("", "3", "Tool & co"),
    ]  # fmt: skip


def test_datasets_and_splits(make_results, seeds, build_table, write):
    results = make_results(*seeds(1.0, 1.1), *seeds(1.0, 1.1, dataset="mnist", settings={
        "dataset._target_": "ae_jax.datasets.mnist.mnist"}))  # fmt: skip
    content = "name,latent_size,measure,value,n,source,dataset,split\n"
    content += "A,2,sse,1,1,x,mnist,test\nB,2,sse,1,1,x,mnist,train\nC,2,sse,1,1,x,cifar,test\nD,2,sse,1,1,x,digits,\n"
    rows = rows_of(build_table("comparison", results, external=write(content)))
    assert [(row["dataset"], row["model"]) for row in rows] == [
        ("digits", "dense"), ("digits", "D"), ("mnist", "dense"), ("mnist", "A"),
    ]  # fmt: skip
    with pytest.raises(UserError, match="does not say on which of digits, mnist 'A' was measured; add a column"):
        build_table("comparison", results, external=write(f"{HEAD}\nA,2,sse,1,1,x\n"))


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n"), GOOD + "\n\n"])
def test_what_spreadsheets_write_is_read(content, results, build_table, write):
    assert len(build_table("comparison", results, external=write(content)).rows) == 9


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "rows.csv: lacks the column name, latent_size, measure, value, n, source; its first line"),
        (f"{HEAD}\n", "rows.csv: has no rows"),
        ("name,latent_size,value,n,source\nA,2,1,1,x\n", "rows.csv: lacks the column measure;"),
        (f"{HEAD},datset\nA,2,sse,1,1,x,m\n", "rows.csv, line 1: there is no column 'datset'; did you mean 'dataset'"),
        (f"{HEAD},n\nA,2,sse,1,1,x,1\n", "rows.csv, line 1: has n twice"),
        (f"{HEAD}\nA,2,sse,1,1\n", "rows.csv, line 2: has 5 values for 6 columns"),
        (f"{HEAD}\nA,2,sse,1,1,Doe, table 2\n", "rows.csv, line 2: has 7 values for 6 columns; quote"),
        (f"{HEAD}\nA,2.5,sse,1,1,x\n", "rows.csv, line 2: latent_size is '2.5'; expected a whole number"),
        (f"{HEAD}\nA,0,sse,1,1,x\n", "rows.csv, line 2: latent_size is '0'"),
        (f"{HEAD}\nA,2,sse,one,1,x\n", "rows.csv, line 2: value is 'one'; expected a number"),
        (f"{HEAD}\nA,2,sse,nan,1,x\n", "rows.csv, line 2: value is 'nan'"),
        (f"{HEAD}\nA,2,sse,1e999,1,x\n", "rows.csv, line 2: value is '1e999'"),
        (f"{HEAD}\nA,2,sse,1_0,1,x\n", "rows.csv, line 2: value is '1_0'"),
        (f"{HEAD}\nA,2,sse,,1,x\n", "rows.csv, line 2: value is ''"),
        (f"{HEAD}\nA,2,sse,1,-1,x\n", "rows.csv, line 2: n is '-1'; expected a whole number above 0, or nothing"),
        (f"{HEAD}\nA,2,see,1,1,x\n", "rows.csv, line 2: there is no measure 'see'; did you mean 'sse'"),
        (f"{HEAD}\nA,2,sse,1,1,\n", "rows.csv, line 2: has no source; say"),
        (f"{HEAD}\n,2,sse,1,1,x\n", "rows.csv, line 2: has no name; say"),
        (f"{HEAD},split\nA,2,sse,1,1,x,tst\n", "rows.csv, line 2: there is no split 'tst'; did you mean 'test'"),
        (f"{HEAD}\nA,2,sse,1,1,x\nA,2,sse,2,1,x\n", "rows.csv, line 3: gives sse of A at 2 again"),
        (f'{HEAD}\n"A,2,sse,1,1,x\n', "rows.csv, line 2: is no CSV"),
        (f"{HEAD}\nA,2,bce,1,1,x\n", r"rows.csv: has no row for this table \(sse, explained_variance on digits, test"),
        (f"{HEAD}\nÄ,2,sse,1,1,x\n".encode("latin-1"), "rows.csv: is no text in UTF-8"),
        (b"x" * (1 << 21), "rows.csv: is larger than"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_names_the_line(content, problem, results, build_table, write):
    with pytest.raises(UserError, match=problem):
        build_table("comparison", results, external=write(content))


@pytest.mark.parametrize("name", TABLES)
def test_a_file_that_cannot_be_read(name, results, build_table, write, tmp_path):
    with pytest.raises(UserError, match=r"external: 'none.csv' does not exist; name a CSV file; its first line names"):
        build_table(name, results, external="none.csv")
    for path in (".", "", "a\0b", "x" * 300):
        with pytest.raises(UserError, match=r"external: .* (cannot be read|does not exist)"):
            build_table(name, results, external=path)
