"""Conversations through the page's events: kept as they are asked, opened again, and gone on in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gradio_events import as_file, event_of, send_event
from made_home import pump_service

from ui.http.server import make_server_app
from ui.service.service import Service

LOCAL = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(home))
        with pump_service(home) as service:
            yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = make_server_app(service, token="t0ken")
    with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as client:
        yield client


def ask(client: TestClient, question: str, talk: str = "") -> tuple[str, str]:
    """The conversation that a question is kept in, and the HTML of its turn."""
    event = event_of(client, "kb-question", "submit")
    messages = send_event(client, event, [{"text": question, "files": []}, talk, None, ""])
    (done,) = [one for one in messages if one["msg"] == "process_completed"]
    assert done["success"], done
    shown = live_of(messages)
    found = re.search(r'data-conversation="([\w-]{22})"', shown)
    assert found is not None
    return found[1], shown


def box_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What an event put into the question's box."""
    (done,) = [one for one in messages if one["msg"] == "process_completed"]
    return dict(done["output"]["data"][0]["value"])


def live_of(messages: list[dict[str, Any]]) -> str:
    """The last HTML of the turn that is asked: the page gets it whole at first, then what
    changed."""
    shown = ""
    for one in messages:
        if one["msg"] in ("process_generating", "process_completed"):
            value = one["output"]["data"][2]
            shown = value if isinstance(value, str) else patched(shown, value)
    return shown


def patched(text: str, changes: Any) -> str:
    for action, path, value in changes if isinstance(changes, list) else ():
        assert path == []
        text = text + value if action == "append" else value
    return text


def test_a_question_is_kept_and_a_follow_up_goes_on_from_it(
    client: TestClient, service: Service
) -> None:
    talk, _ = ask(client, "How loud is the pump?")
    same, _ = ask(client, "And how loud is it?", talk)
    assert same == talk
    first, second = service.conversations.turns(talk)
    assert "40 decibels" in first.text
    assert first.citations[0].source == "pump.md"
    assert second.understood == "How loud is the pump?"

    # As it was when the server was started anew.
    page = client.get(f"/c/{talk}")
    assert page.status_code == 200
    assert '<base href="../" />' in page.text
    for form, said in (("md", "- [1] pump.md"), ("json", '"source": "pump.md"')):
        saved = client.get(f"/api/conversations/{talk}.{form}")
        assert said in saved.text
        assert "attachment" in saved.headers["content-disposition"]
    assert client.get(f"/api/conversations/{talk}.exe").status_code == 404
    assert client.get(f"/api/conversations/{'x' * 22}.md").status_code == 404


def test_a_conversation_is_not_another_site_s_to_read(client: TestClient) -> None:
    talk, _ = ask(client, "How loud is the pump?")
    foreign = {"Origin": "https://example.org", "Sec-Fetch-Site": "cross-site"}
    assert client.get(f"/api/conversations/{talk}.md", headers=foreign).status_code == 403


ODD_TALKS: list[Any] = [7, {"a": 1}, [], "x" * 100_000, "\0", "' OR 1=1 --", "\ud800"]


@pytest.mark.parametrize("talk", ODD_TALKS, ids=range(len(ODD_TALKS)))
def test_an_odd_conversation_is_none(client: TestClient, service: Service, talk: Any) -> None:
    n_before = len(service.conversations.find())
    event = event_of(client, "kb-question", "submit")
    data = [{"text": "How loud is the pump?", "files": []}, talk, None, ""]
    messages = send_event(client, event, data)
    assert any(one.get("msg") == "process_completed" for one in messages)
    assert len(service.conversations.find()) <= n_before + 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        *({"act": act, "id": "x" * 22, "text": ""} for act in ("rename", "pin", "delete", "?")),
        {"act": "rename", "id": 7, "text": {"a": 1}},
        {"act": "delete", "id": "\0", "text": ""},
    ],
    ids=range(7),
)
def test_an_odd_act_changes_nothing(client: TestClient, service: Service, data: Any) -> None:
    before = service.conversations.find()
    send_event(client, event_of(client, "kb-talks", "edit"), [""], event_data=data)
    assert service.conversations.find() == before


def test_acts_of_the_list(client: TestClient, service: Service) -> None:
    talk, _ = ask(client, "How loud is the pump?")
    event = event_of(client, "kb-talks", "edit")

    def act(name: str, text: str = "") -> str:
        given = {"act": name, "id": talk, "text": text}
        (done,) = [
            one
            for one in send_event(client, event, [""], event_data=given)
            if one["msg"] == "process_completed"
        ]
        return str(done["output"]["data"][0])

    assert "&lt;b&gt;Loud&lt;/b&gt;" in act("rename", "<b>Loud</b>")
    assert 'data-talk-act="unpin"' in act("pin")
    act("unpin")
    assert "was deleted" in act("delete")
    assert service.conversations.get(talk) is None
    assert "no such conversation" in act("rename", "x")
    act("restore")
    assert service.conversations.get(talk) is not None


def test_a_question_is_asked_again_and_taken_back_into_the_box(
    client: TestClient, service: Service
) -> None:
    talk, _ = ask(client, "How loud is the pump?")
    ask(client, "How heavy is the kettle?", talk)
    again = event_of(client, "kb-past", "submit")
    # One event for every way to ask, of which this is one.
    past = {"trigger_id": again["targets"][2][0]}
    given = {"text": "", "again": "1"}
    send_event(client, again, [None, talk, None, ""], event_data=given, **past)
    last = service.conversations.turns(talk)[-1]
    assert (last.number, last.question) == (3, "How loud is the pump?")
    assert "40 decibels" in last.text

    edit = event_of(client, "kb-past", "edit")
    value = box_of(send_event(client, edit, [talk], event_data={"again": "2"}))
    assert value == {"text": "How heavy is the kettle?", "files": []}
    # It is understood after what stood before it, not after what followed.
    event = event_of(client, "kb-question", "submit")
    box = {"text": "And how loud is it?", "files": []}
    send_event(client, event, [box, talk, None, "", "2"])
    assert service.conversations.turns(talk)[-1].understood == "How loud is the pump?"
    for odd in ("9", "-1", "x", "9" * 5000, "²"):
        given = {"text": "", "again": odd}
        send_event(client, again, [None, talk, None, ""], event_data=given, **past)
    assert len(service.conversations.turns(talk)) == 4


def test_what_was_attached_is_given_back_where_a_question_fails(
    client: TestClient, service: Service
) -> None:
    upload = client.post("/gradio_api/upload", files={"files": ("half.png", b"\x89PNG half")})
    (path,) = upload.json()
    event = event_of(client, "kb-question", "submit")
    box = {"text": "What is this?", "files": [as_file(path)]}
    messages = send_event(client, event, [box, "", None, ""])
    talk = service.conversations.find()[0]
    (turn,) = service.conversations.turns(talk.id)
    assert turn.error
    assert turn.attachments == ("half.png",)
    assert "Error" not in live_of(messages)
    edit = event_of(client, "kb-past", "edit")
    value = box_of(send_event(client, edit, [talk.id], event_data={"again": "1"}))
    assert value["text"] == "What is this?"
    assert [one["orig_name"] for one in value["files"]] == ["half.png"]


def test_a_question_is_asked_within_what_was_chosen(client: TestClient, service: Service) -> None:
    event = event_of(client, "kb-question", "submit")

    def asked(scope: list[str]) -> str:
        box = {"text": "How loud is the pump?", "files": []}
        send_event(client, event, [box, "", None, "", "", scope])
        (talk, *_) = service.conversations.find()
        (turn,) = service.conversations.turns(talk.id)
        assert turn.scope == tuple(scope)
        return turn.text

    assert "40 decibels" in asked(["kind:text"])
    assert "40 decibels" not in asked(["kind:video"])
