"""Answers that are judged: over the API, and asked again by `kb eval --from-feedback`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import run_here
from fastapi.testclient import TestClient
from made_home import pump_service

from ui.http.server import make_server_app

LOCAL = "http://127.0.0.1:7860"
TALKS = "/api/v1/conversations"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an answer and a refusal; both are good."""
    home = tmp_path_factory.mktemp("judged")
    with pump_service(home) as service:
        app = make_server_app(service, token="t0ken")
        with TestClient(app, base_url=LOCAL, headers={"X-KB-Request": "1"}) as client:
            judge(client)
    return home


def judge(client: TestClient) -> None:
    asked = client.post(TALKS, json={"text": "How loud is the pump?"}).json()
    talk = asked["conversation_id"]
    client.post(f"{TALKS}/{talk}/ask", json={"text": "Who painted the Mona Lisa?"})
    path = f"{TALKS}/{talk}/turns/1/feedback"
    bad = {"is_good": False, "reason": "wrong", "note": "It is 41."}
    assert client.put(path, json=bad).json() == bad
    (first, second) = client.get(f"{TALKS}/{talk}").json()["turns"]
    assert (first["feedback"], second["feedback"]) == (bad, None)
    assert '"must_not": ["' in client.get("/api/v1/feedback").text
    assert client.delete(path).status_code == 204
    assert client.get("/api/v1/feedback").text == ""
    for number in (1, 2):
        path = f"{TALKS}/{talk}/turns/{number}/feedback"
        assert client.put(path, json={"is_good": True}).status_code == 200
    assert client.put(f"{TALKS}/{talk}/turns/3/feedback", json=bad).status_code == 404
    assert client.delete(f"{TALKS}/{'x' * 22}/turns/1/feedback").status_code == 404
    refused = client.put(path, json={"is_good": True, "reason": "wrong"})
    assert refused.status_code == 422
    assert "a good answer has no reason" in refused.json()["detail"]


def test_what_was_judged_is_asked_again(home: Path) -> None:
    done = run_here("eval", "--from-feedback", "--home", home, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["n_queries"], result["n_unanswerable"]) == (2, 1)
    assert [one["verdict"] for one in result["questions"]] == ["right", "right_refusal"]
    shown = run_here("eval", "--from-feedback", "--home", home)
    assert "1 of 1 answerable questions answered right, 1 of 1 others refused" in shown.out


def test_it_is_kept_as_a_set(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    done = run_here("eval", "--from-feedback", "--save", folder, "--home", home)
    assert done.code == 0, done.err
    options = ("--answers", "--corpus", home / "library", "--home", tmp_path / "home", "--json")
    result = json.loads(run_here("eval", folder, *options).out)
    assert [one["verdict"] for one in result["questions"]] == ["right", "right_refusal"]


def test_nothing_judged_is_said(tmp_path: Path) -> None:
    assert run_here("eval", "--home", tmp_path).code == 2
    assert run_here("eval", tmp_path, "--from-feedback", "--home", tmp_path).code == 2
    with pump_service(tmp_path / "home"):
        pass
    done = run_here("eval", "--from-feedback", "--home", tmp_path / "home")
    assert done.code == 1
    assert "Nobody has judged an answer" in done.err
