"""What a .csv is before its values are read: encoding, delimiter, header. And what is wrong with one that cannot be.

A first line of numbers may be names (years, wavelengths, an index) or an example. What is not certain is asked.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ae_jax.errors import UserError

_DELIMITERS = ",\t;| "
_HEAD, _MOST_HEAD = 1 << 20, 1 << 26  # bytes that are looked at, and at most for the first two lines
_SAMPLE = 100  # records
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-"}
_TRUE, _FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}
_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}


class Dialect(NamedTuple):
    """How a .csv is written.

    Attributes:
        delimiter: Between fields.
        quote: Around fields that hold a delimiter.
        has_header: Whether the first line holds names.
        has_comments: Whether it begins with comments, after #.
        num_blank: Empty lines at the start.
        num_unnamed: Columns at the start whose name is empty: pandas and R write an index so.
    """

    delimiter: str
    quote: str
    has_header: bool
    has_comments: bool
    num_blank: int
    num_unnamed: int


def find_dialect(path: Path, *, header: bool | None) -> Dialect:
    """Look at the first lines of a .csv.

    Args:
        path: The file.
        header: Whether the first line holds names; None to find out.

    Raises:
        UserError: If it is no text in UTF-8, or its first line may be names as well as an example.
    """
    lines = _first_lines(path)
    num_blank = next((index for index, line in enumerate(lines) if line.strip()), 0)
    lines = [line for line in lines if line.strip()]
    comments = [line.startswith("#") for line in lines]
    num_comments = comments.index(False) if False in comments else 0
    body = lines[num_comments:]
    quote = "'" if body and body[0].startswith("'") else '"'
    delimiter = _delimiter(body, quote)
    records = _records(body, delimiter, quote)
    if num_comments:  # NumPy writes the names as a comment
        named = _records([lines[num_comments - 1].lstrip("# ")], delimiter, quote)
        if num_comments == 1 and records and len(named[0]) == len(records[0]):
            records, num_comments = [*named, *records], 0
    first = records[0] if records else [""]
    has_header = _has_header(records) if header is None else header
    if has_header is None:
        problem = f"not given, and the first line of {path} ({delimiter.join(first):.60}) may be names or an example"
        raise UserError("dataset.header", problem, "say dataset.header=true for names, dataset.header=false for none")
    named_from = next((index for index, name in enumerate(first) if name.strip()), len(first))
    num_unnamed = named_from if has_header and named_from < len(first) else 0
    return Dialect(delimiter, quote, has_header, bool(num_comments), num_blank, num_unnamed)


def as_bool(text: str) -> bool | None:
    """What a word says, None if it is neither yes nor no."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def explain(path: Path, dialect: Dialect) -> UserError | None:
    """The first line of a .csv that does not fit the others or is no text, if there is one."""
    number = 0
    try:
        with path.open("rb") as file:
            kinds = {line.endswith(b"\r\n") for line in _checked_lines(file, path)}
        with path.open(encoding="utf-8-sig") as text:
            records = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
            mark = "#" if dialect.has_comments else None
            filled = (record for record in records if record and record[0][:1] != mark)
            first = next(filled, [])
            for record in filled:
                number = records.line_num
                if len(record) != len(first) and not (len(record) == len(first) + 1 and not record[-1]):
                    problem = f"line {number} has {_fields(record)}, the first has {len(first)}"
                    return UserError(path, problem, "give every line the same number of fields")
    except UserError as error:
        return error
    except csv.Error as error:
        return UserError(path, f"cannot be read after line {number} ({error})", "mend that line")
    if len(kinds) > 1:
        return UserError(path, "ends some lines in CR LF and others in LF", "save it with one kind, or use dos2unix")
    return None


def _fields(record: list[str]) -> str:
    return f"{len(record)} field{'s' * (len(record) != 1)}"


def _checked_lines(lines: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """The lines as they are, until one is not UTF-8."""
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = f"byte 0x{line[error.start]:02x} in line {number}"
            remedy = "save it as UTF-8, for example with: iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv"
            raise UserError(path, f"is not UTF-8 ({place}), perhaps Latin-1 or Windows-1252", remedy) from error
        yield line


def _first_lines(path: Path) -> list[str]:
    """The first lines, whole ones only."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head.count(b"\n") < 2:
            head += file.read(_MOST_HEAD)
        is_all = not file.read(1)
    _check_encoding(head, path)
    content = head if is_all else head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    text = b"".join(_checked_lines(io.BytesIO(content), path)).decode("utf-8-sig")
    return list(io.StringIO(text, newline=None))


def _check_encoding(head: bytes, path: Path) -> None:
    kind = next((kind for mark, kind in _MARKS.items() if head.startswith(mark)), None)
    if kind in ("gzip", "zip"):
        raise UserError(path, f"is compressed ({kind}), or a workbook", "unpack it, or save it as a plain .csv")
    zeros = head[:4096].count(0)
    if kind is None and 4 * zeros > len(head[:4096]):
        kind = "UTF-16"  # without a mark: every second byte of Latin letters and digits is 0
    if kind is not None:
        mark = "" if head[:2] in _MARKS or kind == "UTF-32" else "LE" if head[1:2] == b"\0" else "BE"
        remedy = f"save it as UTF-8, for example with: iconv -f {kind}{mark} -t UTF-8 old.csv > new.csv"
        raise UserError(path, f"is in {kind}, expected UTF-8", remedy)


def _records(lines: list[str], delimiter: str, quote: str) -> list[list[str]]:
    reader = csv.reader(lines[:_SAMPLE], delimiter=delimiter, quotechar=quote, skipinitialspace=delimiter != " ")
    try:
        return [[field.strip() for field in record] for record in reader if record]
    except csv.Error:  # a field that is too long; DuckDB will say
        return []


def _delimiter(lines: list[str], quote: str) -> str:
    """The one that gives most lines the same number of fields, and more than one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        records = _records(lines, delimiter, quote)
        widths = Counter(len(record) for record in records)
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        # Texts hold spaces too, and columns that are aligned hold several.
        loose = delimiter == " " and (len(widths) > 1 or any("" in record for record in records))
        return (0.0, 0) if width < 2 or loose else (count / len(records), width)

    return max(_DELIMITERS, key=agreement)


def _has_header(records: list[list[str]]) -> bool | None:
    """Whether the first record holds names; None if that is not certain."""
    if not records:
        return True
    first, *others = records
    names = [index for index, field in enumerate(first) if not _is_value(field) and field.lower() not in _MISSING]
    for index in names:  # a text above numbers
        below = [other[index] for other in others if index < len(other) and other[index].lower() not in _MISSING]
        if below and all(map(_is_value, below)):
            return True
    return True if names and not any(map(_is_value, first)) else None


def _is_value(text: str) -> bool:
    """Whether it is a number, a date, or true or false, which a column's name may be, too."""
    if text.lower() in ("true", "false"):
        return True
    for read in (float, datetime.fromisoformat):
        try:
            read(text)
        except ValueError:
            continue
        return True
    return False
