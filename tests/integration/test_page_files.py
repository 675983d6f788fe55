"""Files that a page names: its own uploads are taken, and no other file of the disk."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gradio_events import as_file, event_of, send_event
from made_home import pump_service
from PIL import Image

from ui.http.server import make_app, make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
SECRET = "The vault opens with 4711."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gradio's upload folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("upload")
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def service(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("home")) as service:
        yield service


@pytest.fixture(scope="module", params=[None, "secret"])
def client(request: pytest.FixtureRequest, service: Service) -> Iterator[TestClient]:
    """The page's browser; with the password that is shared, too."""
    app = make_server_app(service, token="t0ken", password=request.param)
    with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as client:
        if request.param:
            client.auth = ("kb", request.param)
        yield client


@pytest.fixture
def asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that a question was made of."""
    paths: list[Path] = []

    def make_query(_: str, images: list[Path], clip: Path | None, *__: object) -> None:
        paths.extend([*images, *([clip] if clip else [])])
        raise AssertionError("was read")

    monkeypatch.setattr(service, "make_query", make_query)
    return paths


@pytest.fixture(scope="module")
def fetched() -> Iterator[tuple[str, list[str]]]:
    """A server of somebody else's, and what was asked of it."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<script>1</script>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", paths
        server.shutdown()
        thread.join()


def upload(client: TestClient, name: str, content: bytes) -> str:
    sent = client.post("/gradio_api/upload", files={"files": (name, content)})
    return str(sent.json()[0])


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "orange").save(buffer, "PNG")
    return buffer.getvalue()


def names(value: Path) -> list[str]:
    return sorted(path.name for path in value.iterdir())


@pytest.fixture
def foreign(folder: Path, tmp_path: Path, fetched: tuple[str, list[str]]) -> dict[str, str]:
    """Paths of what is no upload."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    Image.new("RGB", (64, 64)).save(tmp_path / "secret.png")
    sha, linked, other = "c" * 64, "d" * 64, "e" * 64
    (folder / sha).mkdir(exist_ok=True)
    for name, target in (("link.png", "secret.png"), ("link.txt", "secret.txt")):
        (folder / sha / name).unlink(missing_ok=True)
        (folder / sha / name).symlink_to(tmp_path / target)
    (folder / linked).unlink(missing_ok=True)
    (folder / linked).symlink_to(tmp_path)
    (folder / other / "deep").mkdir(parents=True, exist_ok=True)
    (folder / "loose.png").write_bytes(picture())
    (folder / other / "deep" / "x.png").write_bytes(picture())
    if not (folder / other / "pipe.png").exists():
        os.mkfifo(folder / other / "pipe.png")
    return {
        "absolute": "/etc/passwd",
        "environment": "/proc/self/environ",
        "root": "/proc/self/root/etc/passwd",
        "elsewhere": str(secret),
        "picture": str(tmp_path / "secret.png"),
        "up": f"{folder}/../{tmp_path.name}/secret.png",
        "up from an upload": f"{folder}/{sha}/../../../../../../../etc/passwd",
        "link": f"{folder}/{sha}/link.png",
        "linked text": f"{folder}/{sha}/link.txt",
        "linked folder": f"{folder}/{linked}/secret.png",
        "loose": f"{folder}/loose.png",
        "too deep": f"{folder}/{other}/deep/x.png",
        "pipe": f"{folder}/{other}/pipe.png",
        "folder": f"{folder}/{other}",
        "relative": "pyproject.toml",
        "null": f"{folder}/{sha}/link.png\0.png",
        "url": f"{fetched[0]}/x.png",
        "public url": "http://192.0.2.7/x.png",
        "file url": "file:///etc/passwd",
        "data url": "data:image/png;base64,AAAA",
        "empty": "",
    }


# Boxes that take files, and what is sent beside what is in them.
BOXES: dict[str, list[Any]] = {"kb-question": [None], "kb-search-query": [[], [], [], None, None]}
KINDS = [
    *("absolute", "environment", "root", "elsewhere", "picture", "up", "up from an upload"),
    *("link", "linked text", "linked folder", "loose", "too deep", "pipe", "folder", "relative"),
    *("null", "url", "public url", "file url", "data url", "empty"),
]


def failed(messages: list[dict[str, Any]]) -> bool:
    last = [message for message in messages if message.get("msg") == "process_completed"]
    return "refused" in messages[0] or (len(last) == 1 and not last[0]["success"])


@pytest.mark.parametrize("kind", KINDS)
class TestWhatIsNoUpload:
    def test_is_not_added(
        self,
        client: TestClient,
        service: Service,
        foreign: dict[str, str],
        fetched: tuple[str, list[str]],
        kind: str,
    ) -> None:
        before = names(service.home.library)
        event = event_of(client, "kb-upload", "upload")
        for extra in ({}, {"url": foreign["url"], "orig_name": "x.png", "is_stream": False}):
            messages = send_event(client, event, [[as_file(foreign[kind], **extra)]])
            assert failed(messages)
            assert SECRET not in json.dumps(messages)
        assert names(service.home.library) == before
        assert fetched[1] == []

    @pytest.mark.parametrize("box", BOXES)
    def test_is_not_asked_with(
        self,
        client: TestClient,
        asked: list[Path],
        foreign: dict[str, str],
        fetched: tuple[str, list[str]],
        kind: str,
        box: str,
    ) -> None:
        value = {"text": "a", "files": [as_file(foreign[kind])]}
        assert failed(send_event(client, event_of(client, box, "submit"), [value, *BOXES[box]]))
        assert asked == []
        assert fetched[1] == []


@pytest.mark.parametrize(
    "value",
    [
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}, "is_stream": True},
        {"path": "/etc/passwd", "meta": None},
        {"path": ["/etc/passwd"], "meta": {"_type": "gradio.FileData"}},
        {"a": [{"b": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}]},
        [[[{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]]],
        "/etc/passwd",
        ["/etc/passwd"],
        7,
    ],
    ids=str,
)
def test_no_other_way_of_writing_it_is_taken(
    client: TestClient, service: Service, value: object
) -> None:
    before = names(service.home.library)
    for element, name in (("kb-upload", "upload"), ("kb-name-filter", "change")):
        messages = send_event(client, event_of(client, element, name), [value, value])
        assert "root:" not in json.dumps(messages)
    assert names(service.home.library) == before


@pytest.mark.parametrize(
    "body",
    [
        {"session_hash": "x", "fn_index": 99, "data": []},
        {"session_hash": "x", "fn_index": -1, "data": []},
        {"session_hash": "", "fn_index": 3, "data": [1 << 63], "event_data": 1e308},
        {"session_hash": "x", "fn_index": 1 << 70, "data": []},
        {"session_hash": "x", "fn_index": 0, "data": {"path": "/etc/passwd"}},
        {"fn_index": 0, "data": []},
        {},
    ],
    ids=str,
)
def test_an_event_that_is_none_is_the_senders_mistake(
    client: TestClient, body: dict[str, object]
) -> None:
    for fn_index in {body.get("fn_index"), *range(30)} if body else {0}:
        response = client.post("/gradio_api/queue/join", json=body | {"fn_index": fn_index})
        assert response.status_code < 500, fn_index


def test_gradios_own_check_applies_as_well(service: Service) -> None:
    mounted = make_app(service).routes[-1]
    assert mounted.app.get_blocks().has_launched  # type: ignore[attr-defined]


def test_an_upload_is_added_and_searched_with(client: TestClient, service: Service) -> None:
    note = upload(client, "gate.md", b"# Gate\n\nShut.")
    messages = send_event(client, event_of(client, "kb-upload", "upload"), [[as_file(note)]])
    assert "1 file was added" in json.dumps(messages)
    added = next(name for name in names(service.home.library) if name.startswith("gate"))
    assert (service.home.library / added).read_text() == "# Gate\n\nShut."
    service.remove(added)
    value = {"text": "pump", "files": [as_file(upload(client, "q.png", picture()))]}
    for box, shown in (("kb-search-query", "pump.md"), ("kb-question", "Picture in the question")):
        data = [value, *BOXES[box]]
        messages = send_event(client, event_of(client, box, "submit"), data)
        assert not failed(messages)
        assert shown in json.dumps(messages)
