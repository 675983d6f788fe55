"""Speaks to the page's events as its script does, over HTTP."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from starlette.testclient import TestClient

from ui.http.server import make_server_app
from ui.service.service import Service

__all__ = ["as_file", "event_of", "page_client", "send_event"]

Json = dict[str, Any]


@contextmanager
def page_client(service: Service, password: str | None = None) -> Iterator[TestClient]:
    """Asks the server of a service as its page does, logged in where there is a password."""
    app = make_server_app(service, token="t" * 32, password=password)
    headers = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    login = ("kb", password) if password else None
    with TestClient(app, "http://127.0.0.1", headers=headers) as client:
        client.auth = login  # type: ignore[assignment]
        yield client


def as_file(path: str, **more: Any) -> Json:
    """What a page sends for an upload."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def event_of(client: httpx.Client, elem_id: str, name: str) -> Json:
    """The event `name` of the component `elem_id`, as the page's configuration describes it."""
    match = re.search(r"window\.gradio_config = (\{.*?\});</script>", client.get("/").text)
    assert match is not None
    config = json.loads(match[1])
    ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    for event in config["dependencies"]:
        if [ids[elem_id], name] in event["targets"]:
            return dict(event)
    raise AssertionError(f"{elem_id} has no event {name}")


def send_event(client: httpx.Client, event: Json, data: list[Any], **more: Any) -> list[Json]:
    """Send an event; return the messages that came of it.

    Args:
        more: Further fields of the request.
    """
    session = secrets.token_hex(6)
    body = {
        "data": data + [None] * (len(event["inputs"]) - len(data)),
        "fn_index": event["id"],
        "session_hash": session,
        "trigger_id": event["targets"][0][0],
        **more,
    }
    # Encoded here: httpx would not write half of a surrogate pair.
    sent = client.post(
        "/gradio_api/queue/join",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    if sent.status_code != 200:
        return [{"refused": sent.status_code}]
    stream = client.get("/gradio_api/queue/data", params={"session_hash": session})
    return [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
