"""`kb up` as a process of its own: what a password means, and requests no client library sends."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from browser_parts import KB, Server, running_server
from gradio_events import as_file, event_of, send_event
from made_home import make_home

PROGRAM = {"X-KB-Request": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On 127.0.0.1, with a password."""
    home = make_home(tmp_path_factory.mktemp("home"))
    with running_server(
        home, KB_PASSWORD="secret", FORWARDED_ALLOW_IPS="*", KB_LOG_FORMAT="json"
    ) as started:
        yield started


def test_a_password_applies_on_this_machine_too(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=PROGRAM, timeout=60) as client:
        for path in ("/", "/api/status", "/api/health", "/gradio_api/app_id"):
            assert client.get(path).status_code == 401, path
        assert client.post("/api/search", data={"text": "pump"}).status_code == 401
        client.auth = httpx.BasicAuth("kb", "secret")
        assert client.get("/").status_code == 200
        assert client.post("/api/search", data={"text": "pump"}).status_code == 200


def test_its_log_is_json_with_every_request(server: Server) -> None:
    sent = {"X-Request-ID": "my-own.id-0001", "Authorization": "Bearer kbt_" + "a" * 43}
    refused = httpx.get(f"{server.url}/api/v1/status?q=secret+question", headers=sent)
    assert refused.headers["X-Request-ID"] == refused.json()["request_id"] == "my-own.id-0001"
    log = server.library.parent / "server.log"
    # A line is written when its request has been answered.
    ends_s = time.monotonic() + 20
    while '"my-own.id-0001"' not in log.read_text("utf-8") and time.monotonic() < ends_s:
        time.sleep(0.05)
    text = log.read_text("utf-8")
    assert "secret" not in text
    assert "kbt_" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [one for one in lines if one.get("request_id") == "my-own.id-0001"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/status", 401)
    assert line["address"] == "127.0.0.1"


def test_a_guesser_may_not_say_where_he_is(server: Server) -> None:
    statuses = []
    # From another address of this machine, so that nobody else waits for it.
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.9")) as client:
        for n in range(12):
            named = {"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"}
            url = f"{server.url}/api/status"
            statuses.append(client.get(url, headers=named, auth=("kb", f"{n}")).status_code)
    assert statuses[:6] == [401] * 6
    assert 429 in statuses[6:8]


def test_the_command_line_has_its_own_way_in(server: Server) -> None:
    home = server.library.parent
    search = [str(KB), "search", "how loud is the pump", "--home", str(home), "--json"]
    found = subprocess.run(search, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(found.stdout)["query"] == "how loud is the pump"
    note = json.loads((home / "index" / "server.json").read_text("utf-8"))
    bearer = {"Authorization": f"Bearer {note['token']}"}
    assert httpx.get(f"{server.url}/api/status", headers=bearer).status_code == 200


def test_a_program_has_a_token_of_its_own(server: Server) -> None:
    home = str(server.library.parent)

    def kb(*arguments: str) -> str:
        command = [str(KB), "token", *arguments, "--home", home]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    token = kb("create", "n8n", "--scope", "read", "--scope", "add").strip()
    assert "n8n" in kb("list")
    assert token not in kb("list", "--json")
    bearer = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=bearer, timeout=60) as client:
        file = {"file": ("token.md", b"# Token")}
        (added,) = client.post("/documents", files=file).json()["documents"]
        assert client.post("/search", json={"text": "pump"}).status_code == 200
        refused = client.delete(f"/documents/{added['id']}")
        assert refused.status_code == 403
        assert "--scope delete" in refused.json()["detail"]
        (server.library / "token.md").unlink()
        kb("revoke", "n8n")
        assert client.get("/status").status_code == 401


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        ("GET /api/status HTTP/1.0\r\n\r\n", {400}),
        ("GET /api/status HTTP/1.1\r\n\r\n", {400}),
        ("GET /api/status HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n", {400}),
        ("GET /api/status HTTP/1.1\r\nHost: [bad\r\n\r\n", {400}),
        ("GET http://192.0.2.7/ HTTP/1.1\r\nHost: {host}\r\n\r\n", {401, 404}),
        ("GET http://{host}/api/status HTTP/1.1\r\nHost: {host}\r\n\r\n", {401, 404}),
        ("CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 401, 404}),
        ("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n", {401, 404}),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: {host}\r\n\r\n", {401, 404}),
        ("GET /\\..\\x HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 401, 404}),
        ("GET /a\u00ff HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 401, 404}),
        ("GET /%ff%fe HTTP/1.1\r\nHost: {host}\r\n\r\n", {401, 404}),
        ("GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic \u00e4\r\n\r\n", {401}),
        ("GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: \u00e4[\r\n\r\n", {403}),
        (
            "GET /api/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            {401, 403, 404},
        ),
    ],
)
def test_odd_requests_are_refused(server: Server, request_: str, statuses: set[int]) -> None:
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as wire:
        wire.sendall(request_.format(host=where.netloc).encode("latin-1"))
        wire.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    status = re.match(rb"HTTP/1.[01] (\d+)", answer)
    assert status is not None, answer[:200]
    assert int(status[1]) in statuses
    assert b"root:" not in answer
    assert b"40 decibels" not in answer


def test_the_password_gives_no_file_of_the_disk(server: Server) -> None:
    """Who shares it asks and adds; the machine's other files are not his."""
    before = sorted(path.name for path in server.library.iterdir())
    headers = PROGRAM | {"Origin": server.url}
    login = ("kb", "secret")
    with httpx.Client(base_url=server.url, headers=headers, auth=login, timeout=60) as client:
        event = event_of(client, "kb-upload", "upload")
        for path in ("/etc/passwd", "/proc/self/environ", f"{server.library}/pump.md"):
            messages = send_event(client, event, [[as_file(path)]])
            assert not messages[-2]["success"], path
        folders = {"folders": ["/etc"]}
        assert client.post("/api/sync", json=folders).status_code == 403
        folder = {"folder": str(server.library)}
        assert client.post("/api/forget", data=folder).status_code == 403
        assert client.post("/api/search", data={"text": "root"}).text.count("/bin/") == 0
        assert client.get("/api/status").json()["roots"] == [str(server.library)]
    assert sorted(path.name for path in server.library.iterdir()) == before


def test_nothing_of_it_is_written_for_others(server: Server) -> None:
    note = Path(server.library.parent, "index", "server.json")
    assert note.stat().st_mode & 0o077 == 0


def test_wrong_passwords_take_longer_and_longer(server: Server) -> None:
    def status(password: str, address: str) -> tuple[int, float]:
        given = base64.b64encode(f"kb:{password}".encode()).decode()
        transport = httpx.HTTPTransport(local_address=address)
        start_s = time.monotonic()
        with httpx.Client(transport=transport) as client:
            got = client.get(
                f"{server.url}/api/health", headers={"Authorization": f"Basic {given}"}
            )
        if got.status_code == 429:
            assert int(got.headers["retry-after"]) >= 1
        return got.status_code, time.monotonic() - start_s

    start_s = time.monotonic()
    n_looked_at = sum(status(f"wrong{n}", "127.0.0.2")[0] == 401 for n in range(100))
    assert n_looked_at <= 6 + (time.monotonic() - start_s)
    assert status("secret", "127.0.0.2")[0] == 429
    code, took_s = status("secret", "127.0.0.3")
    assert code == 200
    assert took_s < 1
