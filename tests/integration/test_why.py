"""Why an answer is what it is, asked over the index of a few files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from made_home import pump_service

from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("why"), is_synced=False) as service:
        for number in range(12):
            name = service.home.library / f"fan {number}.md"
            name.write_text(
                f"# Fan {number}\n\nThe fan number {number} hums at {number} decibels.\n"
            )
        (service.home.library / "broken.pdf").write_bytes(b"")
        service.sync()
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers={"X-KB-Request": "1"}) as client:
        yield client


@pytest.fixture(scope="module")
def talk(client: TestClient) -> str:
    asked = client.post("/api/v1/conversations", json={"text": "How loud is the pump?"}).json()
    assert asked["citations"][0]["source"] == "pump.md"
    return str(asked["conversation_id"])


def lost(client: TestClient, talk: str, **asked: str) -> str:
    got = client.get(f"/api/why/{talk}/1/page", params=asked)
    assert got.status_code == 200
    return got.text


def test_all_that_was_found_is_shown_with_its_ranks(client: TestClient, talk: str) -> None:
    shown = client.get(f"/api/why/{talk}/1")
    assert shown.status_code == 200
    assert "13 places were found. The answer is made from the first 10." in shown.text
    assert shown.text.count("<tr") == 14
    for heading in ("Meaning", "Words", "Together", "Ranked"):
        assert f'<th scope="col">{heading}</th>' in shown.text
    assert "Pictures" not in shown.text
    assert "cited: 1" in shown.text
    assert shown.text.count('class="kb-why-given"') == 10
    assert "Times of the answer" in shown.text
    assert "question encoded" in shown.text
    assert '<option value="pump.md">' in shown.text


def test_a_page_is_told_where_it_was_lost(client: TestClient, service: Service, talk: str) -> None:
    assert "Not lost: the answer cites it." in lost(client, talk, source="pump")
    trace = service.kb.trace(service.make_query("How loud is the pump?"))
    last = trace.hits[-1].hit.source
    told = lost(client, talk, source=last)
    assert "Lost by the ranking: its rank is 13, and the answer is made from the first 10." in told
    assert "where the last one that went on has" in told
    assert "Nothing was read there" in lost(client, talk, source=last, page="7")


def test_what_is_no_page_is_said(client: TestClient, talk: str) -> None:
    assert "12 files or more are called so" in lost(client, talk, source="fan")
    assert "broken.pdf was not read" in lost(client, talk, source="broken.pdf")
    told = lost(client, talk, source=EVIL)
    assert "No file of the library is called" in told
    assert EVIL not in told
    assert "No file of the library" in lost(client, talk, source="")
    assert "no such answer" in client.get(f"/api/why/{talk}/2").text
    assert client.get("/api/why/x/1").status_code == 422
    assert client.get(f"/api/why/{talk}/1/page?source=a&page=0").status_code == 422


def test_a_question_within_a_file_is_searched_for_there(client: TestClient) -> None:
    body = {"text": "How loud is the fan?", "filters": {"source": ["fan 3.md"]}}
    talk = client.post("/api/v1/conversations", json=body).json()["conversation_id"]
    assert "1 place was found" in client.get(f"/api/why/{talk}/1").text
    assert "was not asked of it" in lost(client, talk, source="pump.md")
