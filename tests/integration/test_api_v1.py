"""The API for programs over a real index."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_home import pump_service
from PIL import Image

from kb.errors import InferenceError, StoreUnavailableError
from kb.protocols import TextDelta
from kb.types import Query
from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
PROGRAM = {"X-KB-Request": "1"}
V1 = "/api/v1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("v1"), is_synced=False) as service:
        Image.linear_gradient("L").convert("RGB").save(service.home.library / "gradient.png")
        service.sync()
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers=PROGRAM, raise_server_exceptions=False) as client:
        yield client


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((200, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and the data of server-sent events."""
    found = []
    for part in text.split("\n\n")[:-1]:
        first, second = part.split("\n")
        found.append((first.removeprefix("event: "), json.loads(second.removeprefix("data: "))))
    return found


def assert_problem(response: Any, status: int, said: str = "") -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status
    assert told["title"]
    assert told["error"].endswith("Error")
    assert said in told["detail"]


class TestSearch:
    def test_takes_json_and_forms(self, client: TestClient) -> None:
        by_json = client.post(f"{V1}/search", json={"text": "how loud is the pump", "top": 1})
        by_form = client.post(f"{V1}/search", data={"text": "how loud is the pump", "top": "1"})
        for found in (by_json.json(), by_form.json()):
            (hit,) = found["results"]
            assert hit["metadata"]["source"] == "pump.md"

    def test_by_a_picture_in_either(self, client: TestClient) -> None:
        code = base64.b64encode(picture()).decode()
        sent = [
            {"json": {"images": [code]}},
            {"json": {"images": [f"data:image/png;base64,{code}"]}},
            {"files": {"images": ("q.png", picture())}},
        ]
        for body in sent:
            first = client.post(f"{V1}/search", **body).json()["results"][0]["metadata"]  # type: ignore[arg-type]
            assert first["source"] == "gradient.png"
            shown = client.get(first["image_url"])
            assert Image.open(io.BytesIO(shown.content)).size == (256, 256)

    def test_is_limited_by_filters(self, client: TestClient) -> None:
        filters = {"kind": ["image"]}
        by_json = client.post(f"{V1}/search", json={"text": "pump", "filters": filters})
        by_form = client.post(f"{V1}/search", data={"text": "pump", "filters": json.dumps(filters)})
        for found in (by_json.json(), by_form.json()):
            assert "pump.md" not in {hit["metadata"]["source"] for hit in found["results"]}

    def test_names_no_path_of_the_server(self, client: TestClient, service: Service) -> None:
        for path, body in (
            ("search", {"text": "pump", "images": [base64.b64encode(picture()).decode()]}),
            ("ask", {"text": "How loud is the pump?"}),
            ("ask", {"text": "How loud is the pump?", "stream": True}),
        ):
            assert str(service.home.path) not in client.post(f"{V1}/{path}", json=body).text
        for path in ("status", "documents", "health", "ready", "openapi.json", "docs"):
            response = client.get(f"{V1}/{path}")
            assert response.status_code == 200
            assert str(service.home.path) not in response.text

    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            ({}, 400, "Nothing was asked"),
            ({"text": "x" * 8001}, 413, "over the limit of 8,000"),
            ({"txt": "pump"}, 422, "txt"),
            ({"text": "pump", "top": 0}, 422, "top"),
            ({"text": "pump", "filters": {"kind": ["nope"]}}, 422, "filters.kind"),
            ({"images": ["https://example.org/a.png"]}, 400, "Nothing is loaded from elsewhere"),
            ({"images": ["not base64!"]}, 400, "images.0 is neither base64"),
            ({"images": [base64.b64encode(b"no picture").decode()]}, 400, ""),
        ],
    )
    def test_says_what_is_wrong(
        self, client: TestClient, body: dict[str, Any], status: int, said: str
    ) -> None:
        assert_problem(client.post(f"{V1}/search", json=body), status, said)

    def test_takes_nothing_else(self, client: TestClient) -> None:
        kind = {"Content-Type": "text/plain"}
        assert_problem(client.post(f"{V1}/search", content=b"pump", headers=kind), 415)
        kind = {"Content-Type": "application/json"}
        large = b'{"text": "' + b"x" * (33 << 20) + b'"}'
        refused = client.post(f"{V1}/search", content=large, headers=kind)
        assert_problem(refused, 413, "as files of multipart/form-data")


class TestAsk:
    def test_answers_whole(self, client: TestClient) -> None:
        answer = client.post(f"{V1}/ask", json={"text": "How loud is the pump?"}).json()
        assert answer["status"] == "answered"
        assert "40 decibels" in answer["answer"]
        (citation,) = answer["citations"]
        passage = client.get(f"{V1}/passages/{citation['id']}").json()
        assert citation["quote"] in passage["content"]
        assert passage["metadata"]["source"] == "pump.md"

    def test_streams_events(self, client: TestClient) -> None:
        body = {"text": "How loud is the pump?", "stream": True}
        response = client.post(f"{V1}/ask", json=body)
        assert response.headers["content-type"].startswith("text/event-stream")
        told = events(response.text)
        name, answer = told[-1]
        assert name == "done"
        assert "".join(data["text"] for name, data in told if name == "delta") == answer["answer"]
        assert [data for name, data in told if name == "citation"] == answer["citations"]

    def test_goes_on_from_earlier_questions(self, client: TestClient) -> None:
        turns = [{"query": "How heavy is the pump?", "answer": "…"}]
        body = {"text": "And how loud is it?", "turns": turns}
        by_json = client.post(f"{V1}/ask", json=body)
        by_form = client.post(f"{V1}/ask", data=body | {"turns": json.dumps(turns)})
        for answer in (by_json.json(), by_form.json()):
            assert answer["understood"] == "How loud is the pump?"
            assert "40 decibels" in answer["answer"]
        first, *_ = events(client.post(f"{V1}/ask", json=body | {"stream": True}).text)
        assert first == ("understood", {"text": "How loud is the pump?"})
        many = {"text": "And?", "turns": [{"query": "q"}] * 51}
        assert_problem(client.post(f"{V1}/ask", json=many), 413, "over the limit of 50")

    def test_breaks_off_with_an_error(
        self, client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(_: Query, __: str) -> Iterator[object]:
            yield TextDelta("It hums")
            raise InferenceError(f"The model in {service.home.path} is gone.")

        monkeypatch.setattr(service, "ask", ask)
        body = {"text": "How loud?", "stream": True}
        first, last = events(client.post(f"{V1}/ask", json=body).text)
        assert first == ("delta", {"text": "It hums"})
        assert last[0] == "error"
        assert last[1]["error"] == "InferenceError"
        assert last[1]["detail"] == f"The model in {service.home.path.name} is gone."
        assert_problem(client.post(f"{V1}/ask", json={"text": "How loud?"}), 503, "is gone")

    def test_a_bug_says_so(
        self, client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(*_: object) -> Iterator[object]:
            raise ZeroDivisionError("by zero")
            yield

        monkeypatch.setattr(service, "ask", ask)
        for is_streamed in (True, False):
            body = {"text": "How loud?", "stream": is_streamed}
            assert_problem(client.post(f"{V1}/ask", json=body), 500, "unexpected error")


class TestDocuments:
    def add(self, client: TestClient, name: str, content: bytes) -> tuple[int, dict[str, Any]]:
        response = client.post(f"{V1}/documents", files={"file": (name, content)})
        (document,) = response.json()["documents"]
        return response.status_code, document

    def test_the_same_bytes_are_the_same_document(
        self, client: TestClient, service: Service
    ) -> None:
        content = b"# Gate\n\nThe gate is shut at nine."
        status, first = self.add(client, "gate.md", content)
        assert (status, first["is_new"], first["source"]) == (201, True, "gate.md")
        waiting = client.get(f"{V1}/documents/{first['id']}").json()
        assert waiting["status"] == "waiting"
        for name in ("gate.md", "other.md"):  # before it is indexed, and after
            assert self.add(client, name, content) == (200, first | {"is_new": False})
        service.sync()
        assert self.add(client, "third.md", content) == (200, first | {"is_new": False})
        indexed = client.get(f"{V1}/documents/{first['id']}").json()
        assert (indexed["status"], indexed["title"]) == ("indexed", "Gate")
        assert client.get(indexed["original_url"]).content == content
        _, other = self.add(client, "gate.md", b"# Gate\n\nAnother.")
        assert other["source"] == "gate (2).md"
        for document in (first, other):
            deleted = client.delete(f"{V1}/documents/{document['id']}")
            assert deleted.json()["sources"] == [document["source"]]
            assert not (service.home.library / document["source"]).exists()
            assert_problem(client.delete(f"{V1}/documents/{document['id']}"), 404)
            assert_problem(client.get(f"{V1}/documents/{document['id']}"), 404)
        # What was deleted is taken again.
        status, again = self.add(client, "gate.md", content)
        assert (status, again) == (201, first)
        client.delete(f"{V1}/documents/{again['id']}")

    def test_sent_at_once_are_one(self, client: TestClient, service: Service) -> None:
        with ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(lambda n: self.add(client, f"{n}.md", b"# One"), range(8)))
        assert len({document["source"] for _, document in sent}) == 1
        assert sorted(status for status, _ in sent) == [200] * 7 + [201]
        service.remove(sent[0][1]["source"])

    def test_are_listed_by_pages(self, client: TestClient, service: Service) -> None:
        for n in range(5):
            (service.home.library / f"page {n}.md").write_text(f"# Page {n}")
        service.sync()
        seen: list[str] = []
        address = f"{V1}/documents?limit=2&name=page"
        while address:
            page = client.get(address).json()
            assert page["n_total"] == 5
            seen += [one["source"] for one in page["documents"]]
            address = page["next"]
        assert seen == [f"page {n}.md" for n in range(5)]
        images = client.get(f"{V1}/documents", params={"kind": "image", "status": "indexed"})
        assert [one["source"] for one in images.json()["documents"]] == ["gradient.png"]
        for name in seen:
            service.remove(name)

    def test_that_can_not_be_read_are_tried_again(
        self, client: TestClient, service: Service
    ) -> None:
        _, document = self.add(client, "broken.pdf", b"%PDF-1.7 broken")
        service.sync()
        told = client.get(f"{V1}/documents/{document['id']}").json()
        assert told["status"] == "failed"
        assert told["reason"]
        assert client.post(f"{V1}/documents/{document['id']}/retry").status_code == 202
        assert client.post(f"{V1}/documents/retry", json={}).status_code == 202
        assert_problem(client.post(f"{V1}/documents/{'0' * 64}/retry"), 404)
        assert client.delete(f"{V1}/documents/{document['id']}").status_code == 200

    def test_of_other_folders_are_not_deleted(
        self, client: TestClient, service: Service, tmp_path: Path
    ) -> None:
        (tmp_path / "well.md").write_text("# Well\n\nDeep.")
        service.sync([tmp_path])
        (listed,) = client.get(f"{V1}/documents?name=well").json()["documents"]
        address = f"{V1}/documents/{listed['id']}"
        assert_problem(client.delete(address), 409, "well.md does not lie in the library")
        assert (tmp_path / "well.md").exists()
        service.syncer.forget(tmp_path)

    def test_that_are_refused_say_why(self, client: TestClient, service: Service) -> None:
        refused = client.post(f"{V1}/documents", files={"file": ("~$x.docx", b"x")})
        assert_problem(refused, 400, "that is ignored")
        two = [("file", ("x.part", b"x")), ("file", ("kept.md", b"# Kept"))]
        told = client.post(f"{V1}/documents", files=two).json()
        assert [one["source"] for one in told["documents"]] == ["kept.md"]
        assert told["refused"][0]["name"] == "x.part"
        service.remove("kept.md")
        assert_problem(client.post(f"{V1}/documents"), 422)


def test_not_ready_says_why(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(f"{V1}/health").json() == {"status": "ok"}
    assert client.get(f"{V1}/ready").json() == {"status": "ready"}

    def gone() -> None:
        raise StoreUnavailableError("The store is gone.")

    monkeypatch.setattr(service.kb, "store_stats", gone)
    assert_problem(client.get(f"{V1}/ready"), 503, "The store is gone.")
    assert client.get(f"{V1}/health").status_code == 200


def test_the_description_is_whole(client: TestClient) -> None:
    told = client.get(f"{V1}/openapi.json").json()
    text = json.dumps(told)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= {*told["components"]["schemas"]}
    page = client.get(f"{V1}/docs")
    for path in told["paths"]:
        assert f"{V1}{path}" in page.text
    # Nothing of it is loaded from elsewhere, and nothing of it runs.
    for word in ("<script", "src=", "http://", "https://", "@import", "url("):
        assert word not in page.text
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_what_reaches_no_route_is_a_problem_too(client: TestClient, service: Service) -> None:
    assert_problem(client.get(f"{V1}/nothing"), 404)
    assert_problem(client.delete(f"{V1}/search"), 405)
    assert_problem(client.get(f"{V1}/status", headers={"Host": "evil.example"}), 421)
    assert_problem(client.get(f"{V1}/status", headers={"Origin": "http://evil.example"}), 403)
    huge = {"Content-Length": str(10**12), "Content-Type": "application/json"}
    assert_problem(client.post(f"{V1}/search", content=b"", headers=huge), 413)
    closed = make_server_app(service, token="t0ken", password="secret")
    with TestClient(closed, base_url=LOCAL) as anybody:
        for path in ("health", "ready", "status", "documents", "openapi.json", "docs"):
            assert_problem(anybody.get(f"{V1}/{path}"), 401, "A login is needed")
        anybody.auth = ("kb", "secret")
        assert anybody.get(f"{V1}/health").status_code == 200
        for path in ("search", "ask", "documents", "documents/retry"):
            assert_problem(anybody.post(f"{V1}/{path}", json={"text": "a"}), 403, "X-KB-Request")
        assert_problem(anybody.delete(f"{V1}/documents/{'0' * 64}"), 403, "X-KB-Request")
