"""A W&B server in this process: as much of it as wandb's client needs, and every way in which it can fail."""

import gzip
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

KEY = "a" * 40
Mode = float | int | str
"""`ok`, `hang`, an HTTP status to answer everything with, or the seconds (a float) that every answer takes."""


class StreamedLines(NamedTuple):
    """What one request told about a run: its lines belong at `offset`."""

    run: str
    file: str
    offset: int
    lines: list[dict[str, Any]]


class WandbServer:
    """What was sent, and how the server behaves.

    Attributes:
        mode: How requests are answered from now on.
        fail_after: The mode from the request on that follows one of this name.
        refused: HTTP statuses of single requests, by their names.
        runs: What `UpsertBucket` said last of each run.
        streamed: All that was streamed, in order.
        files: Sizes of uploaded files by their names.
        exit_codes: Of the runs that have said that they ended.
        requests: How often each was made, answered or not.
        released: Lets go what hangs.
    """

    def __init__(self) -> None:
        self.mode: Mode = "ok"
        self.fail_after: dict[str, Mode] = {}
        self.refused: dict[str, int] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.streamed: list[StreamedLines] = []
        self.files: dict[str, int] = {}
        self.exit_codes: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients are killed in these tests
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead wandb here; it sends every second instead of every 15."""
        return {
            "WANDB_BASE_URL": f"http://127.0.0.1:{self._server.server_port}",
            "WANDB_API_KEY": KEY,
            "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "1",
        }

    def close(self) -> None:
        """Refuse connections from now on."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def history(self, run: str) -> list[dict[str, Any]]:
        """The history as the server has it: each line overwrites the one that was in its place."""
        lines: dict[int, dict[str, Any]] = {}
        for sent in self.streamed:
            if sent.run == run and sent.file == "wandb-history.jsonl":
                lines |= dict(enumerate(sent.lines, start=sent.offset))
        assert sorted(lines) == list(range(len(lines)))
        return [lines[index] for index in range(len(lines))]

    def summary(self, run: str) -> dict[str, Any]:
        """The last summary of a run."""
        return [sent.lines[-1] for sent in self.streamed if (sent.run, sent.file) == (run, "wandb-summary.json")][-1]


@contextmanager
def serving() -> Iterator[WandbServer]:
    """A server until the end of the context."""
    server = WandbServer()
    try:
        yield server
    finally:
        server.close()


def _handler_of(server: WandbServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        wandb = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wandb: WandbServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        name, size = self.path.removeprefix("/upload/"), len(self._body())
        self._answer(lambda: self.wandb.files.update({name: size}) or {}, "upload")

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        if "query" in body:
            name = re.findall(r"(?:query|mutation)\s+(\w+)", body["query"])[0]
            self._answer(lambda: {"data": self._data(name, body.get("variables") or {})}, name)
        else:
            name = "history" if "wandb-history.jsonl" in (body.get("files") or {}) else "file_stream"
            self._answer(lambda: self._stream(body), name)

    def _body(self) -> bytes:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        return gzip.decompress(content) if self.headers.get("content-encoding") == "gzip" else content

    def _answer(self, content: Any, name: str) -> None:
        """Answer as the mode has it; only what is answered well takes effect."""
        wandb = self.wandb
        wandb.requests[name] += 1
        mode = wandb.mode
        if mode == "hang":
            wandb.released.wait()
            return
        if isinstance(mode, float):
            time.sleep(mode)
        code = mode if isinstance(mode, int) else wandb.refused.get(name, 200)
        answer = json.dumps({"error": "made to fail"} if code != 200 else content() if callable(content) else content)
        wandb.mode = wandb.fail_after.pop(name, wandb.mode)
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def _data(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        if name == "UpsertBucket":
            known = {key: value for key, value in variables.items() if value is not None}
            self.wandb.runs.setdefault(variables["name"], {}).update(known)
            project = {"id": "cA==", "name": variables["project"], "entity": {"id": "ZQ==", "name": "someone"}}
            bucket = {"id": "aWQ=", "name": variables["name"], "displayName": variables.get("displayName")}
            return {"upsertBucket": {"bucket": {**bucket, "project": project}, "inserted": True}}
        if name == "CreateRunFiles":
            prefix = f"http://{self.headers['host']}/upload"
            files = [{"name": file, "uploadUrl": f"{prefix}/{file}"} for file in variables["files"]]
            return {"createRunFiles": {"runID": "aWQ=", "uploadHeaders": [], "files": files}}
        if name == "Viewer":
            return {"viewer": {"id": "dg==", "entity": "someone", "username": "someone", "flags": "{}", "teams": None}}
        assert name != "RunResumeStatus", "a run is replaced, never appended to"
        return {}

    def _stream(self, body: dict[str, Any]) -> dict[str, Any]:
        run = self.path.split("/")[-2]
        for file, chunk in (body.get("files") or {}).items():
            lines = [json.loads(line) for line in chunk["content"]]
            self.wandb.streamed.append(StreamedLines(run, file, chunk["offset"], lines))
        if body.get("complete"):
            self.wandb.exit_codes[run] = body["exitcode"]
        return {"limits": {}}
