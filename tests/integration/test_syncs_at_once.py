"""Syncs that wait for each other, whose askers leave, or that the server's end comes upon."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from browser_parts import KB, REPO
from made_home import pump_service
from starlette.testclient import TestClient

from ingest.progress import Progress
from kb.models.encoders.bert import BertEncoder
from kb.stopping import Stop, StoppedError, stoppable
from ui.http.server import make_server_app
from ui.service.service import Service

PROGRAM = {"X-KB-Request": "1"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with pump_service(tmp_path / "home", is_synced=False) as service:
        yield service


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    app = make_server_app(service, token="t0ken")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def post(url: str, path: str, body: str, kind: str = "application/json") -> socket.socket:
    """A request on its way."""
    where = urlsplit(url)
    wire = socket.create_connection((where.hostname or "", where.port or 0), timeout=10)
    lines = (f"POST {path} HTTP/1.1", f"Host: {where.netloc}", "Authorization: Bearer t0ken")
    more = (f"Content-Type: {kind}", f"Content-Length: {len(body)}", "", body)
    wire.sendall("\r\n".join((*lines, *more)).encode())
    return wire


def is_answered(wire: socket.socket) -> bool:
    wire.settimeout(0.02)
    with contextlib.suppress(TimeoutError):
        return wire.recv(65536).startswith(b"HTTP/1.1 503")
    return False


def n_threads() -> int:
    return sum(thread.name == "kb-question" for thread in threading.enumerate())


def wait_until(is_true: Callable[[], object], limit_s: float = 20) -> None:
    end_s = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/api/sync", "{}", "application/json"),
        ("/api/forget", "folder=/nowhere", "application/x-www-form-urlencoded"),
    ],
)
def test_many_that_wait_stop_nothing_and_leave_nothing(
    service: Service, url: str, path: str, body: str, kind: str
) -> None:
    with service.syncer._lock:  # as a sync holds it
        wires = [post(url, path, body, kind) for _ in range(45)]
        wait_until(lambda: sum(map(is_answered, wires)) or n_threads())
        assert httpx.get(f"{url}/api/health", timeout=3).status_code == 200
        assert httpx.get(url, timeout=3).status_code == 200
        assert n_threads() == 1
        refused = httpx.post(f"{url}/api/sync", json={}, headers=PROGRAM, timeout=3)
        assert refused.status_code == 503
        assert "wait already" in refused.json()["error"]["message"]
        for wire in wires:
            wire.close()
        # One is in its thread, and the others have left.
        wait_until(lambda: next(iter(service.sync_askers._rooms.values())).n_taken == 1)
    wait_until(lambda: not n_threads())
    assert not service._listeners
    report = httpx.post(f"{url}/api/sync", json={}, headers=PROGRAM, timeout=20).text
    assert json.loads(report.splitlines()[-1])["report"]["files"]


def test_one_that_nobody_waits_for_any_more_is_not_begun(service: Service) -> None:
    stop = Stop()
    ended: list[BaseException] = []

    def sync() -> None:
        try:
            with stoppable(stop):
                service.sync()
        except BaseException as error:
            ended.append(error)

    with service.syncer._lock:
        thread = threading.Thread(target=sync)
        thread.start()
        stop.set()
    thread.join(10)
    assert isinstance(ended[0], StoppedError)
    assert not service.kb.ledger.n_chunks()


def test_one_that_waits_is_not_begun_once_the_server_ends(service: Service) -> None:
    heard: list[Progress] = []
    ended: list[BaseException] = []

    def sync() -> None:
        try:
            service.sync(listen=heard.append)
        except BaseException as error:
            ended.append(error)

    with service.syncer._lock:
        thread = threading.Thread(target=sync)
        thread.start()
        time.sleep(0.05)
        service.syncer.stop()
    thread.join(10)
    assert isinstance(ended[0], StoppedError)
    assert not heard


def test_a_long_write_ends_between_two_batches(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n\n".join(f"# Part {n}\n\n" + f"The valve {n} turns. " * 30 for n in range(60))
    (service.home.library / "long.md").write_text(text)
    forward = BertEncoder._forward
    n_batches: list[int] = []

    def stopping(self: BertEncoder, tokens: list[list[int]]) -> object:
        n_batches.append(len(tokens))
        if len(tokens) > 1:
            service.syncer.stop()
        return forward(self, tokens)

    service.kb._encoders.dense.warm()
    monkeypatch.setattr(BertEncoder, "_forward", stopping)
    with pytest.raises(StoppedError):
        service.sync()
    assert len(n_batches) < 3
    service.close()
    again = Service(service.home, service.config)
    monkeypatch.undo()
    try:
        # Nothing of it is kept by halves, nor held against the file.
        assert not again.kb.ledger.n_chunks()
        assert {file.outcome.value for file in again.sync().files} == {"added"}
    finally:
        again.close()


def test_the_servers_end_is_quick_and_quiet(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "library").mkdir(parents=True)
    for k in range(4):
        words = (f"The valve {k} {n} turns by {n * k} degrees. " * 25 for n in range(1000))
        (home / "library" / f"long{k}.txt").write_text("\n\n".join(words))
    command = [str(KB), "up", "--home", str(home), "--port", "0", "--no-browser", "--json"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=REPO)
        try:
            assert process.stdout is not None
            said = b""
            while not said.rstrip().endswith(b"}"):
                said += process.stdout.readline()
            url = json.loads(said)["url"]
            with contextlib.ExitStack() as stack:
                for _ in range(3):
                    body = stack.enter_context(
                        httpx.stream("POST", f"{url}/api/sync", json={}, headers=PROGRAM)
                    )
                    assert body.status_code == 200
                page = f"{url}/gradio_api/heartbeat/abc"
                stack.enter_context(httpx.stream("GET", page))

                def is_reading() -> bool:
                    return bool(httpx.get(f"{url}/api/progress").json()["n_total"])

                wait_until(is_reading, 60)
                time.sleep(3)  # Then it writes, for a minute and more.
                process.send_signal(signal.SIGINT)
                start_s = time.monotonic()
                process.wait(30)
                # Seconds are Python's and the machine's.
                assert time.monotonic() - start_s < 10
        finally:
            process.kill()
            process.communicate()
    said_last = (tmp_path / "log").read_text("utf-8")
    assert "Traceback" not in said_last, said_last
    assert "Cancel" not in said_last, said_last


def test_the_server_looks_for_results_that_nobody_reads(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    monkeypatch.setattr("ui.http.unread._EVERY_S", 0.01)
    monkeypatch.setattr("ui.http.unread.Unread.look", lambda _: looked.set())
    with TestClient(make_server_app(service, token="t0ken"), base_url="http://127.0.0.1"):
        assert looked.wait(5)
