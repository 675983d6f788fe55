"""What programs get of a server beside search and documents: its metrics, and
conversations."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_home import pump_service
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from kb.errors import InferenceError, StoreError
from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
PROGRAM = {"X-KB-Request": "1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("metrics")) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers=PROGRAM, raise_server_exceptions=False) as client:
        yield client


def read(client: TestClient) -> dict[str, float]:
    """The samples of `/metrics`, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        "".join([sample.name, *(f" {value}" for value in sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_questions_are_counted_by_what_came_of_them(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(client)
    for text in ("How loud is the pump?", "How loud is the pump?", "Who won the regatta in 1931?"):
        client.post("/api/v1/ask", json={"text": text})
    client.post("/api/v1/ask", json={"text": "How loud is the pump?", "stream": True})
    client.post("/api/v1/search", json={"text": "pump"})

    def fail(*_: object, **__: object) -> Iterator[object]:
        raise InferenceError("The model is gone.")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(service.kb, "ask", fail)
        patch.setattr(service.kb, "search", fail)
        assert client.post("/api/v1/ask", json={"text": "How loud is the pump?"}).is_error
    after = read(client)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("kb_questions_total answered") == 3
    assert grown("kb_questions_total no_evidence") == 1
    assert grown("kb_questions_total error") == 1
    assert grown("kb_questions_total stopped") == 0
    assert grown("kb_searches_total found") == 1
    assert grown("kb_question_duration_seconds_count") == 4
    assert grown("kb_stage_duration_seconds_count rerank") == 5
    assert grown("kb_http_requests_total POST /api/v1/ask 200") == 4
    assert grown("kb_http_requests_total POST /api/v1/ask 503") == 1
    assert grown("kb_http_request_duration_seconds_count POST /api/v1/search") == 1
    assert after["kb_questions_in_progress"] == after["kb_questions_waiting"] == 0


def test_the_library_is_looked_at(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service.home.library / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    service.sync()
    told = read(client)
    assert (told["kb_files indexed"], told["kb_files failed"]) == (1, 1)
    assert (told["kb_documents"], told["kb_chunks"]) == (1, 1)
    assert (told["kb_sync_running"], told["kb_sync_files_waiting"]) == (0, 0)
    assert told["kb_syncs_total done"] == 2
    assert told["kb_sync_last_success_timestamp_seconds"] > 1.7e9
    if Path("/proc/self/stat").exists():
        assert told["process_resident_memory_bytes"] > 1e6

    def damaged() -> int:
        raise StoreError("The ledger is damaged.")

    monkeypatch.setattr(service.kb.ledger, "n_chunks", damaged)
    told = read(client)
    assert told["kb_ledger_readable"] == 0
    assert "kb_chunks" not in told


def test_nothing_that_was_asked_stands_in_them(client: TestClient, service: Service) -> None:
    for path in ("/api/v1/documents?name=secretname", "/secretpath", "/c/" + "s" * 22):
        client.get(path, headers={"X-Request-ID": "secretid"})
    client.post("/api/v1/search", json={"text": "secretword"})
    text = client.get("/metrics").text
    assert "secret" not in text
    assert str(service.home.path) not in text


class TestConversations:
    V1 = "/api/v1/conversations"

    def begin(self, client: TestClient, text: str = "How loud is the pump?") -> dict[str, Any]:
        begun = client.post(self.V1, json={"text": text})
        assert begun.status_code == 200, begun.text
        return dict(begun.json())

    def test_a_question_goes_on_from_those_before(self, client: TestClient) -> None:
        first = self.begin(client, "How heavy is the pump?")
        talk = first["conversation_id"]
        second = client.post(f"{self.V1}/{talk}/ask", json={"text": "And how loud is it?"}).json()
        assert (second["conversation_id"], second["number"]) == (talk, 2)
        assert second["understood"] == "How loud is the pump?"
        assert "40 decibels" in second["answer"]
        told = client.get(f"{self.V1}/{talk}").json()
        assert (told["title"], told["n_turns"]) == ("How heavy is the pump?", 2)
        heavy, loud = told["turns"]
        assert heavy["stage"] == loud["stage"] == "whole"
        assert (loud["query"], loud["understood"]) == ("And how loud is it?", second["understood"])
        assert (loud["answer"], loud["citations"]) == (second["answer"], second["citations"])
        assert client.get(f"{self.V1}/{talk}?last=1").json()["turns"] == [loud]

    def test_an_answer_is_streamed_and_kept(self, client: TestClient) -> None:
        talk = self.begin(client)["conversation_id"]
        body = {"text": "How loud is the pump?", "stream": True, "filters": {"kind": ["text"]}}
        answer = client.post(f"{self.V1}/{talk}/ask", json=body)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [part.split("\n") for part in answer.text.split("\n\n")[:-1]]
        names = [name.removeprefix("event: ") for name, _ in events]
        assert names[0] == "turn"
        assert json.loads(events[0][1].removeprefix("data: ")) == {
            "conversation_id": talk,
            "number": 2,
        }
        assert "citation" in names
        assert names[-1] == "done"
        turn = client.get(f"{self.V1}/{talk}").json()["turns"][1]
        assert turn["answer"] == json.loads(events[-1][1].removeprefix("data: "))["answer"]
        assert turn["scope"] == ["kind:text"]

    def test_pictures_come_along(self, client: TestClient, service: Service) -> None:
        buffer = io.BytesIO()
        Image.linear_gradient("L").save(buffer, "PNG")
        files = {"images": ("gauge.png", buffer.getvalue())}
        asked = client.post(self.V1, data={"text": "How loud is the pump?"}, files=files).json()
        (turn,) = service.conversations.turns(asked["conversation_id"])
        assert turn.attachments == ("gauge.png",)
        assert turn.pictures
        assert client.get(f"{self.V1}?text=gauge").json()["conversations"] == []
        code = base64.b64encode(b"no picture").decode()
        before = len(service.conversations.find())
        for body in ({}, {"images": [code]}, {"text": "x" * 9000}):
            assert client.post(self.V1, json=body).status_code in (400, 413)
        assert len(service.conversations.find()) == before

    def test_are_listed_by_pages_and_found_by_words(self, client: TestClient) -> None:
        for n in range(3):
            self.begin(client, f"Which zebra number {n}?")
        seen: list[str] = []
        address = f"{self.V1}?text=zebra&limit=2"
        while address:
            page = client.get(address).json()
            seen += [one["title"] for one in page["conversations"]]
            address = page["next"]
        assert seen == [f"Which zebra number {n}?" for n in (2, 1, 0)]

    def test_are_renamed_pinned_exported_and_deleted(self, client: TestClient) -> None:
        talk = self.begin(client)["conversation_id"]
        changed = client.patch(f"{self.V1}/{talk}", json={"title": " Noise\n ", "is_pinned": True})
        assert (changed.json()["title"], changed.json()["is_pinned"]) == ("Noise", True)
        assert client.get(self.V1).json()["conversations"][0]["id"] == talk
        kept = client.get(f"{self.V1}/{talk}/export?format=json")
        assert kept.json()["turns"][0]["citations"][0]["source"] == "pump.md"
        kept = client.get(f"{self.V1}/{talk}/export?format=md")
        assert kept.headers["content-type"].startswith("text/markdown")
        assert kept.text.startswith("# Noise")
        assert client.delete(f"{self.V1}/{talk}").json() == {"id": talk}
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/export", None),
            ("DELETE", "", None),
            ("PATCH", "", {"title": "Other"}),
            ("POST", "/ask", {"text": "And?"}),
        ):
            answer = client.request(method, f"{self.V1}/{talk}{path}", json=body)
            assert answer.status_code == 404, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("body", [{"title": ""}, {"title": "x" * 201}, {"text": "x"}, []])
    def test_what_is_no_change_is_refused(self, client: TestClient, body: Any) -> None:
        talk = self.begin(client)["conversation_id"]
        assert client.patch(f"{self.V1}/{talk}", json=body).status_code == 422

    @pytest.mark.parametrize(
        "talk", ["x", "x" * 23, "..%2f..%2fstatus", "' OR 1=1 --aaaaaaaaaa", "%00" * 22, "é" * 22]
    )
    def test_ids_are_ids(self, client: TestClient, talk: str) -> None:
        for path in (f"{self.V1}/{talk}", f"{self.V1}/{talk}/export"):
            assert client.get(path).status_code in (404, 422)

    def test_a_failure_is_kept_without_paths(
        self, client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> Iterator[object]:
            raise InferenceError(f"The model in {service.home.path} is gone.")
            yield

        monkeypatch.setattr(service.kb, "ask", fail)
        failed = client.post(self.V1, json={"text": "Why did the model go?"})
        assert failed.status_code == 503
        (talk,) = client.get(f"{self.V1}?text=did the model go").json()["conversations"]
        for path in ("", "/export?format=json", "/export?format=md"):
            told = client.get(f"{self.V1}/{talk['id']}{path}").text
            assert "is gone" in told
            assert str(service.home.path) not in told

    def test_a_huge_question_is_cut_off(self, client: TestClient) -> None:
        huge = {"Content-Length": str(10**12), "Content-Type": "application/json"}
        for path in (self.V1, f"{self.V1}/{'a' * 22}/ask"):
            refused = client.post(path, content=b"", headers=huge)
            assert refused.status_code == 413
            assert "limits.max_question_bytes" in refused.json()["detail"]
