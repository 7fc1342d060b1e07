import gzip
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ae_jax.datasets import download
from ae_jax.datasets.download import Collection, RemoteFile, locate
from ae_jax.errors import UserError

CONTENT = np.random.default_rng(0).bytes(200_000)
ARCHIVE = gzip.compress(CONTENT, mtime=0)
FILE = RemoteFile("data-ubyte", len(CONTENT), sha256(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    """Serves ARCHIVE at any path, in the way that the first folder of the path names."""

    def do_GET(self):
        how = self.path.split("/")[1]
        self.server.requests.append((how, self.headers.get("Range")))
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        body = {"wrong": gzip.compress(b"?" * 10), "huge": bytes(300_000)}.get(how, ARCHIVE)
        if how == "missing":
            return self.send_error(404)
        if how == "hangs":
            return time.sleep(1)
        if start and how != "ignores_range":
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            shift = 1 if how == "other_range" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{len(body) - 1}/{len(body)}")
        else:
            start = 0
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : len(body) // 2 if how == "truncates" else None])

    def log_message(self, *args):
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(sealed: Path) -> Path:
    return sealed / "demo"


def collection(server, *ways: str, system_folder: str | None = None) -> Collection:
    mirrors = tuple(f"http://127.0.0.1:{server.server_port}/{way}/" for way in ways)
    return Collection("demo", (FILE,), mirrors, system_folder)


def put(folder: Path, *, name: str = "data-ubyte.gz", content: bytes = ARCHIVE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_full_download_and_then_the_cache(server, cache, capsys):
    assert locate(collection(server, "good"))["data-ubyte"] == (cache / "data-ubyte.gz", CONTENT)
    assert left(cache) == ["data-ubyte.gz"]
    assert f"/good/data-ubyte.gz ({len(ARCHIVE) / 1e6:.1f} MB)" in capsys.readouterr().err
    locate(collection(server, "good"))
    assert server.requests == [("good", None)]


def test_progress_bar_on_a_terminal(server, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    locate(collection(server, "good"))
    assert "data-ubyte.gz" in capsys.readouterr().err


def test_resumes_from_the_part(server, cache):
    put(cache, name="data-ubyte.gz.part", content=ARCHIVE[:1000])
    locate(collection(server, "good"))
    assert server.requests == [("good", "bytes=1000-")]
    assert left(cache) == ["data-ubyte.gz"]


def test_complete_part_needs_no_transfer(server, cache):
    put(cache, name="data-ubyte.gz.part")
    locate(collection(server, "good"))
    assert left(cache) == ["data-ubyte.gz"]


@pytest.mark.parametrize("way", ["ignores_range", "good", "other_range"])
@pytest.mark.parametrize("part", [ARCHIVE[:1000], b"x" * 1000, ARCHIVE + b"x" * 1000])
def test_any_part_and_any_answer_to_a_range_end_in_the_right_file(server, cache, way, part):
    put(cache, name="data-ubyte.gz.part", content=part)
    assert locate(collection(server, way))["data-ubyte"].content == CONTENT
    assert left(cache) == ["data-ubyte.gz"]
    assert len(server.requests) <= 2


@pytest.mark.parametrize("bad", ["missing", "wrong", "huge", "truncates", "hangs"])
def test_next_mirror_after_a_failure(server, cache, bad, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    assert locate(collection(server, bad, "good"))["data-ubyte"].content == CONTENT
    assert [way for way, _ in server.requests] == [bad, "good"]
    assert left(cache) == ["data-ubyte.gz"]


@pytest.mark.parametrize(
    ("bad", "reason", "remains"),
    [
        ("missing", "HTTP 404", []),
        ("wrong", "is truncated", []),
        ("huge", "more than the expected", []),
        ("truncates", "broke off", ["data-ubyte.gz.part"]),
        ("hangs", "timed out", []),
    ],
)
def test_no_half_file_under_the_final_name(server, cache, bad, reason, remains, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    with pytest.raises(UserError, match=reason) as caught:
        locate(collection(server, bad))
    assert str(cache) in str(caught.value)
    assert "AE_JAX_DATA_DIR/demo" in str(caught.value)
    assert left(cache) == remains


def test_checksum_mismatch_leaves_nothing(server, cache):
    other = RemoteFile(FILE.name, FILE.num_bytes, sha256(b"other").hexdigest())
    with pytest.raises(UserError, match="checksum mismatch"):
        locate(collection(server, "good", "good")._replace(files=(other,)))
    assert left(cache) == []


def test_interrupted_download_is_resumed_by_the_next_call(server, cache):
    with pytest.raises(UserError):
        locate(collection(server, "truncates"))
    locate(collection(server, "good"))
    way, asked = server.requests[-1]
    assert way == "good"
    assert 0 < int(asked.removeprefix("bytes=").removesuffix("-")) <= len(ARCHIVE) // 2


def test_offline(server):
    offline = collection(server, "good")._replace(mirrors=("http://127.0.0.1:1/",))
    with pytest.raises(UserError, match=r"no connection.*place data-ubyte\.gz in that folder"):
        locate(offline)


def test_two_processes_at_once_download_once(server, cache):
    found, demo = [], collection(server, "good")
    threads = [threading.Thread(target=lambda: found.append(locate(demo))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(server.requests) == 1


def test_unwritable_cache(server, sealed):
    sealed.parent.mkdir(parents=True, exist_ok=True)
    sealed.write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        locate(collection(server, "good"))


@pytest.mark.parametrize(("name", "content"), [("data-ubyte.gz", ARCHIVE), ("data-ubyte", CONTENT)])
def test_places_in_order(server, cache, tmp_path, monkeypatch, name, content):
    system = put(tmp_path / "system", name=name, content=content)
    demo = collection(server, "good", system_folder=str(system.parent))
    assert locate(demo)["data-ubyte"].path == system
    cached = put(cache, name=name, content=content)
    assert locate(demo)["data-ubyte"].path == cached
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(tmp_path / "chosen"))
    assert locate(demo)["data-ubyte"].path == cached
    chosen = put(tmp_path / "chosen" / "demo", name=name, content=content)
    assert locate(demo)["data-ubyte"].path == chosen
    assert server.requests == []


@pytest.mark.parametrize("place", ["chosen", "cache", "system"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data-ubyte.gz", ARCHIVE[:-100], "truncated"),
        ("data-ubyte", CONTENT[:-100], "is truncated: 199900 of 200000 bytes"),
        ("data-ubyte", CONTENT + b"!", "more than the expected 200000 bytes"),
        ("data-ubyte", CONTENT[:-1] + b"!", "checksum mismatch"),
        ("data-ubyte.gz", b"", "is truncated: 0 of"),
    ],
)
def test_damage_is_never_passed_over(server, cache, tmp_path, monkeypatch, place, name, content, message):
    folder = {"chosen": tmp_path / "chosen" / "demo", "cache": cache, "system": tmp_path / "system"}[place]
    damaged = put(folder, name=name, content=content)
    if place == "chosen":
        monkeypatch.setenv("AE_JAX_DATA_DIR", str(tmp_path / "chosen"))
        put(cache)
    with pytest.raises(UserError, match=message) as caught:
        locate(collection(server, "good", system_folder=str(tmp_path / "system")))
    assert str(caught.value).startswith(str(damaged))
    assert server.requests == []
    assert damaged.read_bytes() == content


def test_file_missing_from_the_chosen_folder(server, tmp_path, monkeypatch):
    (tmp_path / "chosen" / "demo").mkdir(parents=True)
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(tmp_path / "chosen"))
    with pytest.raises(UserError, match=r"chosen/demo/data-ubyte\.gz: is missing; place it there"):
        locate(collection(server, "good"))
    assert server.requests == []


def test_only_missing_files_are_downloaded(server, cache):
    second = RemoteFile("second-ubyte", FILE.num_bytes, FILE.sha256)
    put(cache)
    found = locate(collection(server, "good")._replace(files=(FILE, second)))
    assert list(found) == ["data-ubyte", "second-ubyte"]
    assert len(server.requests) == 1
