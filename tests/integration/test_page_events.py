"""Events that the page's script can't have sent: refused in a line, without a traceback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gradio_events import as_file, event_of, send_event
from made_home import pump_service
from PIL import Image
from starlette.routing import Mount

from ui.http.server import make_app, make_server_app
from ui.service.service import Service
from ui.service.tokens import Tokens
from ui.web import upload_folder
from ui.web.looked import ADDRESS_FIELDS

LOCAL = "http://127.0.0.1:7860"
BOX = {"text": "pump", "files": []}
FILTERS = ["all", "", None]
FIELDS = ("source", "page", "folder", "root", "order", "kind", "target", "what", "sources")


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


def upload(client: TestClient, name: str, content: bytes) -> str:
    response = client.post("/gradio_api/upload", files={"files": (name, content)})
    return str(response.json()[0])


def picture(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 60), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_gradio_keeps_no_table_of_events(service: Service) -> None:
    """It would be made anew, of the last 10,000, after each tick of each page."""
    app = make_app(service)
    [mount] = [route for route in app.routes if isinstance(route, Mount) and route.path == ""]
    queue = mount.app.get_blocks()._queue
    with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as client:
        for _ in range(3):
            stop_of(send_event(client, event_of(client, "kb-question", "submit"), [BOX, ""]))
    assert queue.events_recorded == 3
    assert len(queue.event_analytics) <= 1
    assert queue.cached_event_analytics_summary == {"functions": {}}


def stop_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    (last,) = [message for message in messages if message.get("msg") == "process_completed"]
    return last


# Component, event, data, further fields of the request.
ODD: list[tuple[str, str, list[Any], dict[str, Any]]] = [
    ("kb-question", "submit", [None, ""], {}),
    ("kb-question", "submit", [{"text": None, "files": None}, ""], {}),
    ("kb-question", "submit", [[], ""], {}),
    ("kb-question", "submit", [{"text": {"a": 1}, "files": []}, ""], {}),
    ("kb-question", "submit", [{"text": "x", "files": "x"}, {"a": 1}], {}),
    ("kb-question", "submit", [{"text": "\ud800", "files": []}, "\udfff"], {}),
    ("kb-welcome", "submit", [BOX, ""], {}),
    ("kb-welcome", "submit", [BOX, ""], {"event_data": "text"}),
    ("kb-welcome", "submit", [BOX, ""], {"event_data": 7}),
    ("kb-welcome", "submit", [BOX, ""], {"event_data": {"text": {"a": 1}}}),
    ("kb-welcome", "submit", [BOX, ""], {"event_data": {"text": "\ud800?"}}),
    ("kb-search-query", "submit", [None, [], [], [], None, None], {}),
    ("kb-search-query", "submit", [BOX, ["nope"], [], [], None, None], {}),
    ("kb-search-query", "submit", [BOX, [], ["nope"], ["nope"], None, None], {}),
    ("kb-search-query", "submit", [BOX, 7, "x", {"a": 1}, None, None], {}),
    *(
        ("kb-search-query", "submit", [BOX, [], [], [], date, None], {})
        for date in ("9999999999999999", "-1e30", "x", "0000-00-00", "now - 999999999999999d")
    ),
    *(
        ("kb-search-query", "submit", [BOX, [], [], [], None, date], {})
        for date in (7, 1e300, [], {"a": 1}, True)
    ),
    *(
        ("kb-files", name, FILTERS, {"event_data": data})
        for name in (
            *(
                "remove",
                "retry",
                "turn",
                "folder",
                "sort",
                "kind",
                "all",
                "rename",
                "unlock",
                "many",
            ),
        )
        for data in (
            *(None, "source page", 7, [], {}),
            *(dict.fromkeys(FIELDS, value) for value in (None, 7, [], {"a": 1})),
            *(dict.fromkeys(FIELDS, value) for value in ("a\0b", "\ud800", "9" * 5000)),
            *(dict.fromkeys(FIELDS, value) for value in ("²", "٣" * 30, "../../x", "\x1b[31m")),
        )
    ),
    *(
        ("kb-files", "look", [], {"event_data": data})
        for data in (
            *(None, 7, [], {}),
            *(
                dict.fromkeys(ADDRESS_FIELDS, value)
                for value in (None, 7, "", "../../x", "a\0b", "\ud800", "9" * 5000, "²", "-size")
            ),
        )
    ),
    *(
        (
            elem_id,
            name,
            data,
            {"event_data": {"what": what, "id": text, "ids": texts, "sources": texts}},
        )
        for elem_id, name, data in (
            *(("kb-files", "many", FILTERS), ("kb-notice", "undo", FILTERS)),
            *(("kb-trash", "submit", FILTERS), ("kb-held", "submit", [])),
        )
        for what, text, texts in (
            *(("remove", "../x", ["../x", "\ud800"]), ("restore", "", [[]]), ("purge", "/", [""])),
            *((7, [], "text"), ("read", "a\0", ["a\0"]), ("keep", "x", [7])),
        )
    ),
    *(
        ("kb-name-filter", "change", [status, name, None, None], {})
        for status, name in (
            *(("nonsense", ""), (7, ""), ([], ""), ({"a": 1}, "")),
            *(("all", "\ud800"), ("all", "\0"), ("all", "%_" * 100_000), ("all", {"a": 1})),
        )
    ),
    *(("kb-upload", "upload", [value, *FILTERS], {}) for value in ("/etc/passwd", 7, {}, [7])),
    ("kb-upload", "upload", [[{"path": None}], *FILTERS], {}),
]


@pytest.mark.parametrize(("elem_id", "name", "data", "more"), ODD, ids=range(len(ODD)))
def test_an_odd_event_is_answered_without_a_traceback(
    client: TestClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    elem_id: str,
    name: str,
    data: list[Any],
    more: dict[str, Any],
) -> None:
    event = event_of(client, elem_id, name)
    target = next(part for part, what in event["targets"] if what == name)
    messages = send_event(client, event, data, trigger_id=target, **more)
    last = stop_of(messages)
    if not last["success"]:
        assert "unexpected" not in json.dumps(last), last
    assert not any(record.exc_info for record in caplog.records)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_too_few_values_are_refused(
    client: TestClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    event = event_of(client, "kb-question", "submit")
    assert not stop_of(send_event(client, event | {"inputs": []}, []))["success"]
    assert not any(record.exc_info for record in caplog.records)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_text_file_in_a_question_is_the_askers_mistake(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    note = upload(client, "a.txt", b"x")
    for box, more in (("kb-question", [""]), ("kb-search-query", [[], [], [], None, None])):
        value = {"text": "x", "files": [as_file(note)]}
        send_event(client, event_of(client, box, "submit"), [value, *more])
    assert "Traceback" not in "".join(capfd.readouterr())


def test_an_event_of_the_script_alone_does_not_reach_the_queue(client: TestClient) -> None:
    sent = {"data": [], "session_hash": "x"}
    page = client.get("/").text
    mark = "window.gradio_config = "
    config, _ = json.JSONDecoder().raw_decode(page, page.index(mark) + len(mark))
    of_script = [one["id"] for one in config["dependencies"] if not one["backend_fn"]]
    assert of_script
    for n in (*of_script, 99, -1):
        answer = client.post("/gradio_api/queue/join", json=sent | {"fn_index": n})
        assert answer.status_code == 404, n


@pytest.mark.parametrize("session", ["x" * 1000, "a\nb", "\0", ""])
def test_a_session_has_a_plain_name(client: TestClient, session: str) -> None:
    body = {"data": [None], "fn_index": 0, "session_hash": session}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 400


def test_the_stream_of_an_unknown_session_ends(client: TestClient) -> None:
    response = client.get("/gradio_api/queue/data", params={"session_hash": "nope"})
    assert '"session_not_found":true' in response.text


def test_files_are_counted_before_they_are_copied(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copies(*_: object) -> None:
        raise AssertionError("was copied")

    monkeypatch.setattr(upload_folder.shutil, "copyfileobj", copies)
    paths = [upload(client, f"{n}.png", picture(f"#{n:02x}0000")) for n in range(17)]
    file = as_file(paths[0], mime_type="image/png")
    for files in ([file] * 1001, [as_file(path, mime_type="image/png") for path in paths]):
        value = {"text": "x", "files": files}
        for box, more in (("kb-question", [""]), ("kb-search-query", [[], [], [], None, None])):
            messages = send_event(client, event_of(client, box, "submit"), [value, *more])
            assert "limit" in json.dumps(messages)
            assert "was copied" not in json.dumps(messages)


def test_a_file_named_twice_is_added_once(client: TestClient, service: Service) -> None:
    note = as_file(upload(client, "twice.md", b"# Twice"), orig_name="twice.md")
    messages = send_event(client, event_of(client, "kb-upload", "upload"), [[note] * 9, *FILTERS])
    assert "1 file was added" in json.dumps(messages)
    assert [path.name for path in service.home.library.glob("twice*")] == ["twice.md"]


def test_a_picture_in_a_question_outlives_that_it_is_added(
    client: TestClient, service: Service
) -> None:
    attached = upload(client, "same.png", picture())
    added = upload(client, "same.png", picture())
    assert added == attached
    event = event_of(client, "kb-upload", "upload")
    assert "1 file was added" in json.dumps(send_event(client, event, [[as_file(added)], *FILTERS]))
    assert Path(attached).is_file()


def test_who_is_not_the_owner_makes_no_token(service: Service) -> None:
    with TestClient(make_app(service), base_url=LOCAL, headers={"Origin": LOCAL}) as client:
        event = event_of(client, "kb-tokens", "submit")
        given = {"name": "agent", "scopes": ["delete"]}
        messages = send_event(client, event, [], event_data=given)
        (done,) = [one for one in messages if one["msg"] == "process_completed"]
        assert "kb token create NAME" in str(done["output"]["data"])
    assert Tokens(service.home).all() == []


def test_a_scope_that_is_none_makes_no_token(client: TestClient, service: Service) -> None:
    event = event_of(client, "kb-tokens", "submit")
    given = {"name": "agent", "scopes": ["everything"]}
    messages = send_event(client, event, [], event_data=given)
    (done,) = [one for one in messages if one["msg"] == "process_completed"]
    assert not done["success"]
    assert Tokens(service.home).all() == []
