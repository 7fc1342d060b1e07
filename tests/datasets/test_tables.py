"""Tables as others write them: headers, indices, encodings, words, widths; read rightly or refused in a line."""

import time

import duckdb
import numpy as np
import pytest

from tests.datasets.test_array import everything, load, refuses, write_csv

SINES = [(np.sin(i), np.cos(i), i / 7) for i in range(30)]
ROWS = "".join(f"{a},{b},{c}\n" for a, b, c in SINES)
COUNTED = "".join(f"{i},{a},{b}\n" for i, (a, b, _) in enumerate(SINES))
DOUBTFUL = {
    "ids": "400,401,402",
    "range": "0,1,2",
    "years": "1990,1991,1992",
    "unordered": "7157,672,1017",
    "wavelengths": "400.5,401.5,402.5",
    "negative": "-1,0,1",
    "quoted": '"400","401","402"',
    "repeated": "0,0,12",
    "scientific": "1e3,2e3,3e3",
    "dates": "2020-01-01,2020-01-02,2020-01-03",
    "truth": "True,False,True",
    "unnamed-index": ",0,1",
    "missing": "NA,1,2",
    "spaces": " 400, 401, 402",
    "after-empty-lines": "\n\n400,401,402",
}


@pytest.mark.parametrize("first", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_first_line_that_may_be_names_or_an_example_is_asked_about(tmp_path, first):
    path = write_csv(tmp_path / "t.csv", f"{first}\n{ROWS}")
    refuses(path, r"dataset.header: not given, .*t\.csv .* may be names or an example; say dataset.header=true")
    data = load(path, header=True)
    assert len(everything(data)) == len(SINES)


@pytest.mark.parametrize("text", ["country,1990,1991\n" + "F,1,2\n" * 20, "5.1,3.5,setosa\n" + "4.9,3.1,setosa\n" * 20])
def test_a_first_line_of_numbers_and_text_is_asked_about(tmp_path, text):
    refuses(write_csv(tmp_path / "t.csv", text), "dataset.header: not given", exclude_columns=["country"])


@pytest.mark.parametrize(
    "text", [ROWS, "# made by a program\n" + ROWS, ROWS.replace(",", " "), ROWS.replace(",", "\t")]
)
def test_a_file_without_header_is_loaded(tmp_path, text):
    data = load(write_csv(tmp_path / "t.csv", text), header=False)
    assert data.feature_names == ("column0", "column1", "column2")
    np.testing.assert_array_equal(np.sort(everything(data)[:, 2]), np.float32([c for *_, c in SINES]))


HEADERS = {
    "names": ("a,b,c", ("a", "b", "c")),
    "some-numbers": ("id,400,401", ("id", "400", "401")),
    "numpy-comment": ("# a,b,c", ("# a", "b", "c")),
    "after-empty-lines": ("\n\na,b,c", ("a", "b", "c")),
    "comment": ("# of 2020\na,b,c", ("a", "b", "c")),
    "mark": ("\ufeffa,b,c", ("a", "b", "c")),
    "spaces": ("a, b, c", ("a", "b", "c")),
    "quoted": ('"a","b, too",c', ("a", "b, too", "c")),
}


@pytest.mark.parametrize(("first", "names"), HEADERS.values(), ids=HEADERS)
def test_a_header_of_names_is_found(tmp_path, first, names):
    data = load(write_csv(tmp_path / "t.csv", f"{first}\n{ROWS}"))
    assert (data.feature_names, len(everything(data))) == (names, len(SINES))


INDICES = {
    "pandas": ",a,b",
    "r": '"",a,b',
    "saved-twice": "Unnamed: 0,a,b",
    "saved-thrice": "Unnamed: 0.1,a,b",
    "from-parquet": "__index_level_0__,a,b",
}


@pytest.mark.parametrize("first", INDICES.values(), ids=INDICES)
def test_an_index_is_no_feature_unless_it_is_named(tmp_path, first, caplog):
    path = write_csv(tmp_path / "t.csv", f"{first}\n{COUNTED}")
    data = load(path)
    assert data.feature_names == ("a", "b")
    assert "is an index, and left out" in caplog.text
    name = caplog.text.split("'")[1]
    assert load(path, columns=[name, "a"]).feature_names == (name, "a")


def test_an_index_of_several_columns_or_of_text_is_no_feature(tmp_path):
    text = ",,a\n" + "".join(f"row {i},{i},{a}\n" for i, (a, *_) in enumerate(SINES))
    assert load(write_csv(tmp_path / "t.csv", text)).feature_names == ("a",)


def test_the_index_of_a_parquet_is_no_feature(tmp_path):
    query = "select i::double a, sin(i) b, i __index_level_0__, i id from range(30) t(i)"
    with duckdb.connect() as connection:
        kept = """{pandas: '{"index_columns": ["id"], "columns": []}'}"""
        connection.execute(f"copy ({query}) to '{tmp_path}/t.parquet' (format parquet, kv_metadata {kept})")
    assert load(tmp_path / "t.parquet").feature_names == ("a", "b")
    assert load(tmp_path / "t.parquet", columns=["id"]).feature_names == ("id",)


def test_columns_are_left_out(tmp_path, caplog):
    path = write_csv(tmp_path / "t.csv", f"id,a,b\n{COUNTED}")
    assert load(path).feature_names == ("id", "a", "b")
    assert (
        "column 'id' counts the examples; if it is an index, leave it out with dataset.exclude_columns" in caplog.text
    )
    assert load(path, exclude_columns=["id", "b"]).feature_names == ("a",)
    refuses(path, "dataset.exclude_columns: .*no column 'idd'; did you mean 'id'", exclude_columns=["idd"])
    refuses(path, "dataset.exclude_columns: leaves no column", exclude_columns=["id", "a", "b"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "words", ["True,False", "true,false", "TRUE,FALSE", "T,F", "yes,no", "Y,N", "on,off", "TRUE,0"]
)
def test_words_for_true_and_false_are_numbers(tmp_path, words, suffix):
    words = words.split(",")
    path = write_csv(
        tmp_path / "t.csv", "a,flag\n" + "".join(f"{a},{words[i % 2]}\n" for i, (a, *_) in enumerate(SINES))
    )
    if suffix == "parquet":
        duckdb.read_csv(str(path), all_varchar=True).select("a::double a, flag").write_parquet(
            str(tmp_path / "t.parquet")
        )
    flags = everything(load(tmp_path / f"t.{suffix}"))[:, 1]
    assert sorted(flags.tolist()) == [0.0] * 15 + [1.0] * 15


def test_words_beside_others_are_none(tmp_path):
    refuses(write_csv(tmp_path / "t.csv", "a,b\n" + "1,yes\n2,maybe\n" * 9), "'b': is not numeric but VARCHAR: 'yes'")


UNREADABLE = {
    "ragged": ("a,b,c\n" + ROWS + "1,2\n" + ROWS, "line 32 has 2 fields, the first has 3; give every line"),
    "ragged-long": ("a,b,c\n1,2,3\n1,2,3,4\n" + ROWS, "line 3 has 4 fields, the first has 3"),
    "ragged-last": ("a,b,c\n" + ROWS + "1,2", "line 32 has 2 fields"),
    "title": ("My table\na,b,c\n" + ROWS, "line 2 has 3 fields, the first has 1"),
    "semicolons": ("a;b\n1;2\n1;2;3\n", "line 3 has 3 fields, the first has 2"),
    "utf-16": (
        f"a,b,c\n{ROWS}".encode("utf-16"),
        "is in UTF-16, expected UTF-8; save it as UTF-8, .*iconv -f UTF-16 -t",
    ),
    "utf-16-le": (f"a,b,c\n{ROWS}".encode("utf-16-le"), "is in UTF-16, .*iconv -f UTF-16LE"),
    "utf-16-be": (f"a,b,c\n{ROWS}".encode("utf-16-be"), "is in UTF-16, .*iconv -f UTF-16BE"),
    "latin-1": (
        f"a,größe,c\n{ROWS}".encode("latin-1"),
        "is not UTF-8 .byte 0xf6 in line 1., perhaps Latin-1 .*iconv -f",
    ),
    "latin-1-late": (f"a,b,c\n{ROWS * 2000}1,é,2\n".encode("latin-1"), "is not UTF-8 .byte 0xe9 in line 60002"),
    "utf-32": (f"a,b,c\n{ROWS}".encode("utf-32"), "is in UTF-32, .*iconv -f UTF-32 -t"),
    "old-mac": ("a,b,c\n1,2,3\n1,2\n".replace("\n", "\r"), "line 3 has 2 fields, the first has 3"),
    "line-ends": ("a,b,c\r\n" + ROWS, "ends some lines in CR LF and others in LF; save it with one kind"),
    "gzip": (b"\x1f\x8b\x08\x00abc", "is compressed"),
    "workbook": (b"PK\x03\x04abc", "is compressed .zip., or a workbook"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_names_line_or_encoding(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    refuses(tmp_path / "t.csv", rf"t\.csv: {message}")


def test_a_wide_table_takes_no_longer_than_its_values(tmp_path):
    """A gene table: the time was that of the square of the columns, 12 to 52 s here."""
    values = np.random.default_rng(0).normal(size=(60, 4000)).round(3)
    names = ",".join(f"gene{index}" for index in range(4000))
    rows = "".join(
        f"{'ab'[index % 2]},{','.join(map(str, row))}{',yes,no' * 100}\n" for index, row in enumerate(values.tolist())
    )
    words = "".join(f",word{index}" for index in range(200))
    path = write_csv(tmp_path / "t.csv", f"kind,{names}{words}\n{rows}")
    start = time.process_time()
    data = load(path, label_column="kind", exclude_columns=["gene7"])
    assert time.process_time() - start < 6  # of the processor; 0.6 s where nothing else runs
    assert data.train.shape == (36, 4199)


def test_options_of_tables_are_refused_elsewhere(tmp_path):
    np.save(tmp_path / "t.npy", np.ones((9, 2)))
    refuses(tmp_path / "t.npy", "dataset.exclude_columns: is for tables", exclude_columns=["a"])
    refuses(tmp_path / "t.npy", "dataset.header: is for tables", header=True)
    refuses(tmp_path / "t.npy", "dataset.split_column: 'part' names a part of", split_column="part")
    duckdb.sql("select 1 a").write_parquet(str(tmp_path / "t.parquet"))
    refuses(tmp_path / "t.parquet", "dataset.header: is for .csv files", header=True)
