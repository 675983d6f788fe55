"""Whatever is sent to the server, it is told what is wrong with it: no traceback and no 500."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from made_home import pump_service
from schemathesis import GenerationMode

from kb.index.ledger import FileQuery
from ui.http.api_errors import handle_errors
from ui.http.media import media_router
from ui.http.rest import api_router
from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
HEADERS = {"X-KB-Request": "1", "Authorization": "Bearer t0ken"}
INTEGERS = [
    "-1",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    str(-(2**63) - 1),
    "1" * 5000,
    "NaN",
    "inf",
    "1e400",
    "",
    "x",
    "\0",
    "1.5",
    "٣",
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("no-500")) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers=HEADERS, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def document(service: Service) -> str:
    (row,) = service.kb.ledger.files(FileQuery())
    assert row.sha256 is not None
    return row.sha256


def told(client: TestClient, method: str, path: str, **arguments: object) -> int:
    """The status of an answer that is nobody's bug."""
    answer = client.request(method, path, **arguments)  # type: ignore[arg-type]
    assert answer.status_code < 500, (method, path, arguments, answer.text)
    assert "unexpected error" not in answer.text, (method, path, arguments, answer.text)
    return answer.status_code


@pytest.mark.parametrize("number", INTEGERS)
def test_numbers(client: TestClient, service: Service, document: str, number: str) -> None:
    quoted = quote(number) or "%20"
    for path in ("documents/{}/pages/{}", "documents/{}/pages/{}/thumbnail"):
        for sha256 in (document, "0" * 64, "x"):
            assert told(client, "GET", f"/media/{path.format(sha256, quoted)}") in (404, 422)
    assert told(client, "GET", f"/media/view/documents/{document}/pages/{quoted}") in (404, 422)
    (chunk, *_) = service.kb.ledger.chunks_of(document)
    for query in ({"start": number, "end": "5"}, {"start": "1", "end": number}):
        told(client, "GET", f"/media/view/{chunk.id}", params=query)
    told(client, "GET", f"/media/view/{chunk.id}", params={"time_s": number})
    assert told(client, "POST", "/api/search", data={"text": "a", "top": number}) in (200, 422)


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ("", 200),
        ("null", 400),
        ("[]", 400),
        ("{", 400),
        ('{"folder": 1}', 400),
        ('{"folder": [1]}', 400),
        ('{"kind": ["nope"]}', 400),
        (json.dumps({"folder": ["a"] * 50_000}), 400),
        (json.dumps({"source": ["a"] * 50_000}), 400),
        (json.dumps({"folder": [f"a{n}" for n in range(500)]}), 200),
        (json.dumps({"source": [f"a{n}" for n in range(500)]}), 200),
        (json.dumps({"folder": ["a" * 5000]}), 400),
        ('{"after_ns": 9223372036854775808}', 400),
        ('{"before_ns": -9223372036854775809}', 400),
        ('{"after_ns": 9223372036854775807}', 200),
        ('{"after_ns": NaN}', 400),
        ('{"after_ns": 1e400}', 400),
        ('{"after_ns": 1.5}', 400),
        ('{"after_ns": ' + "1" * 5000 + "}", 400),
        ("[" * 100_000, 400),
        ('{"folder": ' + "[" * 5000 + "]" * 5000 + "}", 400),
        ('{"folder": ["\\ud800"]}', 400),
        ('{"source": ["\\u0000", "%", "_", ""]}', 200),
        ('{"x\\ud800": 1}', 400),
        ("\0", 400),
    ],
    ids=range(25),
)
@pytest.mark.parametrize("path", ["/api/search", "/api/ask"])
def test_filters(client: TestClient, path: str, filters: str, status: int) -> None:
    assert told(client, "POST", path, data={"text": "pump", "filters": filters}) == status


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "pump\0", "\ufeff", "\u202e", "?" * 8000, "x" * 8001, "\u0300" * 999]
)
def test_texts(client: TestClient, text: str) -> None:
    for path in ("/api/search", "/api/ask"):
        told(client, "POST", path, data={"text": text})
    surrogate = text.encode() + "\ud83d".encode("utf-8", "surrogatepass")
    body = b"text=" + quote(surrogate).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    told(client, "POST", "/api/search", content=body, headers=kind)


PART = b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\nx\r\n--b--\r\n'
BODIES = [
    b"",
    b"--b--",
    b"--b\r\n",
    b"--b\r\n\r\nx\r\n--b--\r\n",
    b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    *(PART % (name, b"") for name in (b"file", b"files", b"image", b"video", b"folder", b"text")),
    *(PART % (name, b'; filename=""') for name in (b"file", b"files", b"image", b"video")),
    *(PART % (name, b'; filename="..\xff\0/') for name in (b"file", b"files", b"image")),
    PART % (b"text", b"\r\nX: " + b"y" * 20_000),
    b"\xff" * 100,
    b"text=%ff&filters=%00&folder=%00",
    b"text=pump&text=pump&top=1&top=2&image=x&video=x",
    b"a=1&" * 5000,
    b'{"text": "pump"}',
]
KINDS = [
    "",
    "x",
    "\xff",
    "text/plain",
    "application/json",
    "application/x-www-form-urlencoded; charset=nope",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=" + "b" * 1000,
    "multipart/form-data; boundary=b; charset=nope",
    "multipart/form-data; boundary=b; charset=utf-16",
    "multipart/mixed; boundary=b",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "path", ["/api/search", "/api/ask", "/api/upload", "/api/forget", "/gradio_api/upload"]
)
def test_forms(client: TestClient, service: Service, path: str, kind: str) -> None:
    headers = {"Content-Type": kind.encode("latin-1"), "Origin": LOCAL}
    for body in BODIES:
        told(client, "POST", path, content=body, headers=headers)
    for file in service.home.library.iterdir():
        if file.name != "pump.md":
            file.unlink()


JSONS = [
    b"",
    b"null",
    b"[]",
    b"1",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"1" * 5000,
    b'"\\ud800"',
    b'{"folders": 1, "retry": 1, "dry_run": NaN}',
    b'{"folders": ["\\u0000"], "dry_run": true}',
    b'{"folders": ["\\ud800"], "dry_run": true}',
    b'{"folders": ["' + b"a" * 5000 + b'"], "dry_run": true}',
    b'{"retry": ["\\ud800"], "dry_run": 1e999}',
    b'{"data": [NaN], "fn_index": 0, "session_hash": "x"}',
    b'{"data": [], "fn_index": 99999999999999999999, "session_hash": "x"}',
    b'{"data": [], "fn_index": -1, "session_hash": "x"}',
    b'{"data": "x", "fn_index": 0, "session_hash": "x"}',
    b'{"data": [], "fn_index": null, "session_hash": null}',
    b'{"data": [1, 2], "fn_index": 3, "session_hash": "s", "event_data": {"x": 1}}',
    b'{"data": [], "fn_index": 0, "session_hash": "\\ud800"}',
    b'{"data": [{"path": "/etc/passwd"}], "fn_index": 1, "session_hash": "x"}',
    b'{"event_id": "\\ud800", "session_hash": "y", "fn_index": 0}',
]


# pandas warns where Gradio counts its events.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "path", ["/api/sync", "/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"]
)
def test_json(client: TestClient, path: str) -> None:
    headers = {"Content-Type": "application/json", "Origin": LOCAL}
    for body in JSONS:
        told(client, "POST", path, content=body, headers=headers)


def test_errors_of_the_api_have_one_form(client: TestClient) -> None:
    for answer in (
        client.post("/api/search", data={"text": "a", "top": "NaN"}),
        client.post("/api/search", data={"text": ""}),
        client.post("/api/sync", content=b"{", headers={"Content-Type": "application/json"}),
        client.post("/api/upload"),
    ):
        assert 400 <= answer.status_code < 500
        error = answer.json()["error"]
        assert error["type"]
        assert error["message"]


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[str, Any]:
    """Every operation of the API and the media, as its own description has it."""
    described = FastAPI()
    described.include_router(api_router(service))
    described.include_router(media_router(service))
    handle_errors(described)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD of a route are one operation to FastAPI
        schema = schemathesis.openapi.from_asgi("/openapi.json", described)
    found = [operation.ok() for operation in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


OPERATIONS = {
    "GET /api/health": 5,
    "GET /api/status": 5,
    "GET /api/progress": 5,
    "POST /api/search": 40,
    "POST /api/ask": 40,
    "POST /api/sync": 5,
    "POST /api/forget": 20,
    "POST /api/upload": 20,
    "GET /media/static/{name}": 20,
    "GET /media/assets/{sha256}": 20,
    "GET /media/assets/{sha256}/thumbnail": 20,
    "GET /media/documents/{sha256}/pages/{page}": 20,
    "GET /media/documents/{sha256}/pages/{page}/thumbnail": 20,
    "GET /media/documents/{sha256}/original": 20,
    "GET /media/documents/{sha256}/words.vtt": 20,
    "GET /media/view/documents/{sha256}/pages/{page}": 20,
    "GET /media/view/{chunk_id}": 40,
}


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    assert {name for name in operations if not name.startswith("HEAD")} == {*OPERATIONS}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.filterwarnings("default")
def test_operations_take_whatever_fits_and_does_not_fit_them(
    operations: dict[str, Any], name: str
) -> None:
    operation = operations[name]
    fits = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    does_not = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=OPERATIONS[name],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=fits | does_not)
    def try_it(case: Any) -> None:
        answer = case.call()
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        assert "unexpected error" not in answer.text, (case.as_curl_command(), answer.text)

    try_it()
