"""`kb.client` against a running server, as programs use it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_parts import Server, running_server
from made_home import make_home
from PIL import Image

from kb.client import NEW, Client, NotFoundError, NotLetInError, RequestRefusedError
from kb.config import Home
from ui.service.tokens import Tokens, TokenScope


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(make_home(tmp_path_factory.mktemp("client")), KB_PASSWORD="secret") as up:
        yield up


@pytest.fixture(scope="module")
def tokens(server: Server) -> Tokens:
    return Tokens(Home(server.library.parent))


@pytest.fixture
def kb(server: Server, tokens: Tokens, request: pytest.FixtureRequest) -> Iterator[Client]:
    """With a token that may do everything."""
    token = tokens.create(request.node.name, list(TokenScope))
    with Client(server.url, token) as client:
        wait_until_indexed(client, "pump.md")
        yield client


def wait_until_indexed(kb: Client, *sources: str) -> None:
    deadline_s = time.monotonic() + 120
    while not {*sources} <= {one["source"] for one in kb.documents(status="indexed")}:
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


def test_documents_come_and_go(kb: Client, tmp_path: Path) -> None:
    (tmp_path / "gate.md").write_text("# Gate\n\nThe gate is shut at nine.")
    added = kb.upload(tmp_path / "gate.md", ("well.md", b"# Well"))["documents"]
    assert [(one["source"], one["is_new"]) for one in added] == [
        ("gate.md", True),
        ("well.md", True),
    ]
    assert not kb.upload(("again.md", b"# Well"))["documents"][0]["is_new"]
    assert kb.document(added[0]["id"])["source"] == "gate.md"
    wait_until_indexed(kb, "gate.md", "well.md")
    assert [one["id"] for one in kb.documents(name="gate", kind="text")] == [added[0]["id"]]
    kb.retry()
    for one in added:
        assert kb.delete_document(one["id"])["sources"] == [one["source"]]
        with pytest.raises(NotFoundError, match="no such document"):
            kb.document(one["id"])
    assert kb.status()["profile"] == "starter"


def test_questions_are_answered(kb: Client) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "PNG")
    found = kb.search("how loud is the pump", images=[("gauge.png", buffer.getvalue())], top=1)
    (hit,) = found["results"]
    assert hit["content"] in kb.passage(hit["id"])["content"]
    answer = kb.ask("How loud is the pump?", filters={"kind": ["text"]})
    assert "40 decibels" in answer["answer"]
    assert "40 decibels" in kb.ask("And how loud is it?", turns=[answer])["answer"]
    *events, done = kb.ask_events("How loud is the pump?")
    assert "".join(one.data["text"] for one in events if one.name == "delta") == done.data["answer"]
    with pytest.raises(RequestRefusedError, match="Nothing was asked") as caught:
        kb.ask(" ")
    assert caught.value.request_id
    with pytest.raises(RequestRefusedError, match="Nothing was asked"):
        next(kb.ask_events(" "))


def test_conversations_are_kept(kb: Client) -> None:
    talk = kb.ask("How heavy is the pump?", conversation=NEW)["conversation_id"]
    first, *_, done = kb.ask_events("And how loud is it?", conversation=talk)
    assert first == ("turn", {"conversation_id": talk, "number": 2})
    assert done.data["understood"] == "How loud is the pump?"
    assert [turn["number"] for turn in kb.conversation(talk)["turns"]] == [1, 2]
    assert kb.rename_conversation(talk, "Noise")["title"] == "Noise"
    assert [one["id"] for one in kb.conversations("noise")] == [talk]
    assert kb.export_conversation(talk).startswith("# Noise")
    kb.delete_conversation(talk)
    with pytest.raises(NotFoundError):
        kb.conversation(talk)


def test_a_token_does_what_it_says(server: Server, tokens: Tokens) -> None:
    with Client(server.url, tokens.create("reader", [TokenScope.READ])) as reader:
        assert reader.status()
        for do in (
            lambda: reader.upload(("a.md", b"# A")),
            lambda: reader.ask("How loud?", conversation=NEW),
            lambda: reader.delete_document("0" * 64),
            lambda: reader.delete_conversation("a" * 22),
        ):
            with pytest.raises(NotLetInError, match="may not"):
                do()
    with Client(server.url) as nobody, pytest.raises(NotLetInError, match="login is needed"):
        nobody.status()
    with Client(server.url, password="secret") as person:
        assert person.status()
