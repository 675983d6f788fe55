"""The HTTP API over a real index."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from made_home import pump_service
from PIL import Image

from kb.errors import InferenceError, KnowledgeBaseError, PromptTooLongError
from kb.protocols import TextDelta
from kb.types import Query
from ui.cli.client import Client
from ui.http.api_errors import error_response
from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
PROGRAM = {"X-KB-Request": "1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("api"), is_synced=False) as service:
        Image.linear_gradient("L").convert("RGB").save(service.home.library / "gradient.png")
        service.sync()
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(make_server_app(service, token="t0ken"), base_url=LOCAL) as client:
        client.headers.update(PROGRAM)
        yield client


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_search_by_words_and_by_picture(client: TestClient) -> None:
    found = client.post("/api/search", data={"text": "how loud is the pump", "top": 5}).json()
    assert found["results"][0]["metadata"]["source"] == "pump.md"
    picture = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((200, 200)).save(picture, "PNG")
    found = client.post("/api/search", files={"image": ("q.png", picture.getvalue())}).json()
    assert found["results"][0]["metadata"]["source"] == "gradient.png"
    assert Path(found["results"][0]["metadata"]["image_path"]).is_file()


def test_ask_streams_and_ends_with_the_answer(client: TestClient) -> None:
    response = client.post("/api/ask", data={"text": "How loud is the pump?"})
    events = lines(response.text)
    answer = events[-1]["answer"]
    assert isinstance(answer, dict)
    assert answer["status"] == "answered"
    assert "40 decibels" in answer["answer"]
    assert answer["citations"][0]["source"] == "pump.md"
    assert "".join(str(e["text"]) for e in events if "text" in e) == answer["answer"]


def test_a_follow_up_is_asked_as_it_is_understood(client: TestClient) -> None:
    turns = json.dumps(
        [{"query": "How heavy is the pump?", "answer": "…", "status": "no_evidence"}]
    )
    response = client.post("/api/ask", data={"text": "And how loud is it?", "turns": turns})
    first, *_, last = lines(response.text)
    assert first == {"understood": "How loud is the pump?"}
    answer = last["answer"]
    assert isinstance(answer, dict)
    assert (answer["query"], answer["understood"]) == (
        "And how loud is it?",
        "How loud is the pump?",
    )
    assert "40 decibels" in answer["answer"]
    alone = lines(client.post("/api/ask", data={"text": "And how loud is it?"}).text)
    assert alone[-1]["answer"]["status"] == "no_evidence"  # type: ignore[index]
    assert alone[-1]["answer"]["understood"] is None  # type: ignore[index]


def test_earlier_questions_have_limits(client: TestClient) -> None:
    many = json.dumps([{"query": "q"}] * 51)
    for turns, status, said in (
        (many, 413, "over the limit of 50"),
        ("nonsense", 400, "earlier questions are not accepted"),
        (json.dumps([{"query": "q" * 2_000_000}]), 413, ""),
    ):
        refused = client.post(
            "/api/ask", data={"text": "How loud?"}, files={"turns": (None, turns)}
        )
        assert refused.status_code == status, refused.text
        assert said in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "text", ["a", "👍👍", "the of and", "的", "ይህ ምንድን ነው?", "ⴰⵣⵓⵍ", "x" * 7_999, "thanks!"]
)
def test_empty_talk_and_words_of_no_known_language_are_answered(
    client: TestClient, text: str
) -> None:
    answer = lines(client.post("/api/ask", data={"text": text}).text)[-1]["answer"]
    assert isinstance(answer, dict)
    assert answer["status"] == "no_evidence"
    assert answer["answer"]
    assert not answer["citations"]


def test_a_question_of_a_megabyte_is_refused(client: TestClient) -> None:
    refused = client.post("/api/ask", files={"text": (None, "q" * 1_000_000)})
    assert refused.status_code == 413
    assert "over the limit of 8,000" in refused.json()["error"]["message"]


def test_the_library_tells_of_itself(client: TestClient) -> None:
    answer = lines(client.post("/api/ask", data={"text": "What files do you have?"}).text)[-1]
    assert "- pump.md" in answer["answer"]["answer"]  # type: ignore[index]


def test_mistakes_are_answered_with_what_to_do(client: TestClient) -> None:
    response = client.post("/api/search", data={"text": "  "})
    assert response.status_code == 400
    assert "Give some words" in response.json()["error"]["message"]
    response = client.post("/api/search", files={"image": ("x.png", b"not a picture")})
    assert response.status_code == 400
    assert response.json()["error"]["type"].endswith("Error")
    response = client.post("/api/search", data={"text": "a", "filters": '{"colour": 1}'})
    assert response.status_code == 400


def test_sync_and_upload_over_http(client: TestClient, service: Service) -> None:
    response = client.post("/api/upload", files={"file": ("../../gate.md", b"# Gate\n\nShut.")})
    assert response.json() == {"sources": ["gate.md"]}
    events = lines(client.post("/api/sync", json={}).text)
    assert any("progress" in event for event in events)
    report = events[-1]["report"]
    assert isinstance(report, dict)
    assert {f["source"]: f["outcome"] for f in report["files"]}["gate.md"] == "added"
    status = client.get("/api/status").json()
    assert status["n_files"] == 3
    assert status["counts"]["indexed"] == 3


def test_uploads_of_one_name_at_once_are_all_kept(client: TestClient, service: Service) -> None:
    contents = [f"# Note\n\nNumber {n}.\n".encode() * 1000 for n in range(10)]

    def send(n: int) -> str:
        if n % 2:  # as the page does
            path = service.home.path / f"{n}" / "same.md"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(contents[n])
            return service.upload(path.name, path)
        sent = client.post("/api/upload", files={"file": ("same.md", contents[n])})
        return str(sent.json()["sources"][0])

    with ThreadPoolExecutor(10) as pool:
        sources = list(pool.map(send, range(10)))
    assert len(set(sources)) == 10
    for source, content in zip(sources, contents, strict=True):
        assert (service.home.library / source).read_bytes() == content
        service.remove(source)


def test_an_upload_that_would_be_ignored_says_so(client: TestClient, service: Service) -> None:
    response = client.post("/api/upload", files={"file": ("~$gate.docx", b"x")})
    assert response.status_code == 400
    assert "~$gate.docx is a name that is ignored" in response.json()["error"]["message"]
    two = [("file", ("x.part", b"x")), ("file", ("kept.md", b"# Kept"))]
    response = client.post("/api/upload", files=two)
    assert response.json()["sources"] == ["kept.md"]
    assert response.json()["refused"][0]["name"] == "x.part"
    service.remove("kept.md")


def test_an_open_address_asks_for_a_login(service: Service) -> None:
    app = make_server_app(service, token="t0ken", password="pass wörd")
    with TestClient(app, base_url="http://kb.example") as client:
        for path in ("/api/status", "/", "/media/assets/" + "0" * 64):
            response = client.get(path)
            assert response.status_code == 401, path
            assert "Basic" in response.headers["www-authenticate"]
        assert client.get("/api/status", auth=("kb", "wrong")).status_code == 401
        assert client.get("/api/status", auth=("kb", "pass wörd".encode())).status_code == 200
        bearer = {"Authorization": "Bearer t0ken"}
        assert client.get("/api/status", headers=bearer).status_code == 200


class TestFoldersOfTheMachine:
    """What names a folder is for the command line alone: a page or somebody with the password
    would choose which files of the disk are read, or forgotten."""

    @pytest.fixture(params=[None, "secret"])
    def anybody(self, request: pytest.FixtureRequest, service: Service) -> Iterator[TestClient]:
        app = make_server_app(service, token="t0ken", password=request.param)
        with TestClient(app, base_url=LOCAL, headers=PROGRAM) as client:
            if request.param:
                client.auth = ("kb", request.param)
            yield client

    def test_are_not_indexed(self, anybody: TestClient, service: Service, tmp_path: Path) -> None:
        (tmp_path / "private.txt").write_text("The vault opens with 4711.")
        response = anybody.post("/api/sync", json={"folders": [str(tmp_path)]})
        assert response.status_code == 403
        assert "kb sync FOLDER" in response.json()["error"]["message"]
        assert tmp_path not in service.syncer.roots()

    def test_are_not_forgotten(self, anybody: TestClient, service: Service) -> None:
        n_chunks = service.kb.ledger.n_chunks()
        response = anybody.post("/api/forget", data={"folder": str(service.home.library)})
        assert response.status_code == 403
        assert service.kb.ledger.n_chunks() == n_chunks

    @pytest.mark.parametrize("path", ["/etc/passwd/x", "/nowhere", "/\0", "/" + "x" * 999])
    def test_are_not_told_of(self, anybody: TestClient, path: str) -> None:
        assert anybody.post("/api/sync", json={"folders": [path]}).status_code == 403
        assert anybody.post("/api/forget", data={"folder": path}).status_code == 403
        token = {"Authorization": "Bearer t0ken"}
        anybody.auth = None
        asked = anybody.post("/api/forget", data={"folder": path}, headers=token)
        assert asked.status_code == 400
        told = lines(anybody.post("/api/sync", json={"folders": [path]}, headers=token).text)
        assert told[-1]["error"]["type"] == "ConfigError"  # type: ignore[index]

    def test_are_the_command_lines(
        self, anybody: TestClient, service: Service, tmp_path: Path
    ) -> None:
        (tmp_path / "well.txt").write_text("The well is deep.")
        anybody.auth = None
        token = {"Authorization": "Bearer t0ken"}
        folders = {"folders": [str(tmp_path)]}
        report = lines(anybody.post("/api/sync", json=folders, headers=token).text)[-1]
        assert "report" in report
        data = {"folder": str(tmp_path)}
        assert anybody.post("/api/forget", data=data, headers=token).json() == {"n_files": 1}


def test_a_question_that_is_too_long_or_can_not_be_shown_is_the_senders() -> None:
    statuses = {}
    for error in (
        PromptTooLongError("The question is too long."),
        InferenceError("One side is 375 times the other.", items={0: "too thin"}),
        InferenceError("The model failed."),
    ):
        statuses[str(error)] = error_response(error).status_code
    assert [*statuses.values()] == [413, 422, 503]


class TestAnswersThatBreakOff:
    @pytest.fixture
    def broken(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> list[object]:
        """What the service answers in place of its own: events, and what it raises."""
        events: list[object] = []

        def ask(_: Query, *__: object, **___: object) -> Iterator[object]:
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

        monkeypatch.setattr(service, "ask", ask)
        return events

    @pytest.mark.parametrize(
        ("error", "name", "said"),
        [
            (InferenceError("The server is gone."), "InferenceError", "The server is gone."),
            (ZeroDivisionError("by zero"), "ZeroDivisionError", "unexpected error"),
        ],
    )
    def test_the_last_line_says_why(
        self,
        client: TestClient,
        broken: list[object],
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        name: str,
        said: str,
    ) -> None:
        broken += [TextDelta("It hums"), error]
        response = client.post("/api/ask", data={"text": "How loud?"})
        assert response.status_code == 200
        first, last = lines(response.text)
        assert first == {"text": "It hums"}
        assert last["error"]["type"] == name  # type: ignore[index]
        assert said in last["error"]["message"]  # type: ignore[index]
        has_traceback = any(record.exc_info for record in caplog.records)
        assert has_traceback is not isinstance(error, KnowledgeBaseError)

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (PromptTooLongError("too long"), 413),
            (InferenceError("down"), 503),
            (ZeroDivisionError("by zero"), 500),
        ],
    )
    def test_before_the_first_word_the_status_says_so_too(
        self,
        client: TestClient,
        broken: list[object],
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        status: int,
    ) -> None:
        broken.append(error)
        response = client.post("/api/ask", data={"text": "How loud?"})
        assert response.status_code == status
        assert response.json()["error"]["type"] == type(error).__name__
        assert any(record.exc_info for record in caplog.records) is (status == 500)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "ended in the middle of the answer"),
            (b'{"text": "It hums"}\n', "ended in the middle of the answer"),
            (b'{"text": "It hums"}\n{"tex', "where JSON was expected"),
            (b'{"error": {"type": "ZeroDivisionError", "message": "oops"}}\n', "oops"),
            (b'{"error": {"type": "InferenceError", "message": "down"}}\n', "down"),
        ],
    )
    def test_the_command_line_fails(self, body: bytes, said: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            client = Client(f"http://127.0.0.1:{server.server_address[1]}", "t0ken")
            with pytest.raises(KnowledgeBaseError, match=said):
                list(client.ask("How loud?", [], None, "{}"))
            client.close()
            thread.join()
