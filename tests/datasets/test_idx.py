import gzip
from contextlib import suppress
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ae_jax.datasets.idx import parse_idx, read_decompressed, read_idx
from ae_jax.errors import UserError


def idx(array: np.ndarray, *, value_type: int = 8) -> bytes:
    return pack(f">BBBB{array.ndim}I", 0, 0, value_type, array.ndim, *array.shape) + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
GOOD = idx(IMAGES)


@pytest.mark.parametrize("compress", [False, True])
def test_round_trip(tmp_path, compress):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(GOOD) if compress else GOOD)
    np.testing.assert_array_equal(read_idx(path), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with nothing"),
        (b"\0\0", "not an idx file"),
        (b"PK\3\4" + GOOD, "not an idx file"),
        (idx(IMAGES, value_type=0x0D), "type 0x0d, expected unsigned bytes"),
        (b"\0\0\x08\0", "0 idx dimensions"),
        (b"\0\0\x08\xff" + b"\0" * 2000, "255 idx dimensions"),
        (GOOD[:10], "inside its idx header"),
        (GOOD[:-1], "says 2 x 3 x 4 values, but it holds 23"),
        (GOOD + b"!", "but it holds 25"),
        (pack(">BBBB3I", 0, 0, 8, 3, *[2**32 - 1] * 3), "but it holds 0"),
        (gzip.compress(GOOD, mtime=0)[:-9], "truncated or damaged"),
        (gzip.compress(GOOD, mtime=0)[:5], "truncated or damaged"),
        (gzip.compress(GOOD, mtime=0) + b"!", "truncated or damaged"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "truncated or damaged"),
    ],
)
def test_hostile_files_end_in_one_line(tmp_path, content, message):
    path = tmp_path / "hostile-ubyte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_decompression_is_bounded(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0" * 10_000_000))
    with pytest.raises(UserError, match="more than the expected 1000 bytes"):
        read_decompressed(path, max_bytes=1000)
    assert len(read_decompressed(path, max_bytes=10_000_000)) == 10_000_000


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_idx(path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda tail: b"\0\0\x08" + tail))
def test_any_bytes_give_an_array_of_that_size_or_a_user_error(content):
    try:
        array = parse_idx(content, source=Path("fuzz"))
    except UserError:
        return
    assert array.nbytes == len(content) - 4 - 4 * array.ndim


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_damaged_gzip_gives_an_array_or_a_user_error(tmp_path, position, damage):
    whole = gzip.compress(GOOD, mtime=0)
    path = tmp_path / "fuzz.gz"
    path.write_bytes(whole[:position] + damage + whole[position + len(damage) :])
    with suppress(UserError):
        read_idx(path)
