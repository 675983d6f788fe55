"""A model server by its address and key, given in the page."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from chat_server import DONE, ChatServer, says, stream
from gradio_events import event_of, page_client, send_event
from made_home import pump_service
from model_servers import ModelServer
from starlette.testclient import TestClient

from kb.config import Home
from kb.config.loading import load_config
from kb.config.models import RemoteGeneratorConfig
from kb.config.named import served_generator
from kb.errors import ConfigError
from kb.models.remote.connect import ServedModel, address_of, served_models
from kb.types import Query
from ui.service.service import Service

KEY = "key-of-nobody-12345"
QUESTION = Query("How loud is the pump?")
QUOTE = "The pump hums at 40 decibels. [1]"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture
def service(home: Service) -> Iterator[Service]:
    yield home
    home.writers.choose("quotes")
    home.home.keys.unlink(missing_ok=True)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        running.key = KEY
        running.plays = [stream(says("Forty decibels [1].", "stop"), DONE)]
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with page_client(service) as one:
        yield one


def connect(client: TestClient, url: str, key: str) -> str:
    event = event_of(client, "kb-connect", "click")
    return json.dumps(send_event(client, event, [url, key]))


def choose(client: TestClient, url: str, key: str, model: str) -> str:
    event = event_of(client, "kb-served", "submit")
    return json.dumps(send_event(client, event, [url, key], event_data={"model": model}))


def test_an_address_and_a_key_write_the_next_answer(
    service: Service, client: TestClient, server: ChatServer
) -> None:
    assert "wants a key" in connect(client, server.url, "")
    assert "refuses the key" in connect(client, server.url, "another-key-1234")
    assert "served/model" in connect(client, server.url, KEY)
    assert not service.writers.is_writing
    done = choose(client, server.url, KEY, "served/model")
    assert "It writes from the next answer on" in done
    assert "Written now by served/model" in done
    assert KEY not in done
    assert service.kb.answer(QUESTION).text == "Forty decibels [1]."
    # Neither shown again nor written where settings stand, and there after a new start.
    assert KEY not in client.get("/").text
    assert KEY not in service.home.config.read_text()
    again = load_config(Home(service.home.path)).generator
    assert isinstance(again, RemoteGeneratorConfig)
    assert again.api_key == KEY
    # The next time the kept one is used.
    assert "served/model" in connect(client, server.url, "")
    service.writers.choose("quotes")
    assert service.kb.answer(QUESTION).text == QUOTE


def test_a_key_may_be_that_of_the_environment(
    service: Service, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_KEY", KEY)
    service.writers.choose_served(server.url, "$MODELS_KEY", "served/model")
    assert "api_key: $MODELS_KEY" in service.home.config.read_text()
    assert not service.home.keys.exists()
    assert service.kb.answer(QUESTION).text == "Forty decibels [1]."
    with pytest.raises(ConfigError, match="'NO_SUCH', which is not set"):
        service.writers.served(server.url, "$NO_SUCH")


def test_another_model_than_is_listed_changes_nothing(
    service: Service, client: TestClient, server: ChatServer
) -> None:
    before = service.kb.config
    assert "no more" in choose(client, server.url, KEY, "other")
    assert "Nothing was changed" in choose(client, "not an address", KEY, "served/model")
    assert service.kb.config is before
    assert not service.home.keys.exists()


def test_what_cannot_be_written_down_is_not_used(service: Service, server: ChatServer) -> None:
    own = "{generator: quotes}\n"
    service.home.config.write_text(own)
    with pytest.raises(ConfigError, match="form of its own"):
        service.writers.choose_served(server.url, KEY, "served/model")
    assert not service.writers.is_writing
    assert service.home.config.read_text() == own
    service.home.config.unlink()


def test_others_who_have_the_password_are_offered_none(service: Service) -> None:
    with page_client(service, "a long password") as one:
        assert "kb-connect" not in one.get("/").text


@pytest.mark.parametrize(
    "url", ["", " ", "ftp://a/v1", "http://", "http://u:p@a/v1", "http://a b", "http://a:0", "["]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="no address of a server"):
        address_of(url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        (" https://models.example/ ", "https://models.example/v1"),
        ("http://a/v1/", "http://a/v1"),
    ],
)
def test_an_address_may_be_short(url: str, address: str) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ({"data": []}, 200, "lists no model"),
        ({"object": "list", "data": None}, 200, "lists no model"),
        (b"<html>a page</html>", 200, "no OpenAI-compatible server"),
        ([1], 200, "no OpenAI-compatible server"),
        ({"error": {"message": "out of memory"}}, 500, r"fails \(500\): out of memory"),
        ({}, 302, "leads elsewhere"),
    ],
)
def test_what_is_wrong_is_told_in_words(answer: object, status: int, told: str) -> None:
    with ModelServer("vllm", {"GET /v1/models": answer}, status) as running:
        with pytest.raises(ConfigError, match=told):
            served_models(f"{running.server.url}/v1", None)
        with pytest.raises(ConfigError, match="no OpenAI-compatible server"):
            served_models(f"{running.server.url}/v2", None)


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ConfigError, match="can't be reached"):
        served_models(f"http://127.0.0.1:{port}/v1", None)


def test_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.models.remote.connect._ANSWER_S", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        pytest.raises(ConfigError, match="does not answer"),
    ):
        served_models(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", None)


def test_what_a_model_reads_is_heeded() -> None:
    listed = {"data": [{"id": "m", "max_model_len": 8192}, {"id": "n", "max_model_len": -1}]}
    with ModelServer("vllm", {"GET /v1/models": listed}) as running:
        found = served_models(f"{running.server.url}/v1", None)
    assert found == (ServedModel("m", 8192), ServedModel("n"))
    url = "http://gpu.example/v1"
    section = served_generator(url, "m", 8192, is_near=False)
    config = RemoteGeneratorConfig.model_validate(section)
    assert (config.max_length, config.max_new_tokens, config.prompt) == (8192, 1024, "long")
    small = RemoteGeneratorConfig.model_validate(served_generator(url, "m", 2048, is_near=False))
    assert (small.max_length, small.max_new_tokens, small.prompt) == (2048, 512, "short")
    with pytest.raises(ConfigError, match="longer context"):
        served_generator(url, "m", 1024, is_near=False)
    assert served_generator(url, "m", None, is_near=False).keys() == {"kind", "url", "model"}
    assert served_generator("http://127.0.0.1/v1", "m", None, is_near=True)["prompt"] == "short"
