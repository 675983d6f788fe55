"""Choosing on the page what writes the answers, while the server runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from chat_server import DONE, ChatServer, says, stream
from gradio_events import event_of, page_client, send_event
from made_home import pump_service
from starlette.testclient import TestClient

from kb.errors import ConfigError, ModelLoadError
from kb.types import Query
from ui.service.service import Service

QUESTION = Query("How loud is the pump?")
QUOTE = "The pump hums at 40 decibels. [1]"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture
def server(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """Where Ollama is looked for, with one model."""
    with ChatServer() as running:
        monkeypatch.setenv("OLLAMA_HOST", running.url)
        running.plays = [stream(says("Forty decibels [1].", "stop"), DONE)]
        yield running
        service.writers.choose("quotes")


def answer(service: Service) -> str:
    return service.kb.answer(QUESTION).text


def test_the_next_answer_is_written_and_quotes_come_back(
    service: Service, server: ChatServer
) -> None:
    assert answer(service) == QUOTE
    (found,) = [one for one in service.writers.found() if one.server.key == "ollama"]
    assert [model.name for model in found.models] == ["ollama/served/model"]
    service.writers.choose("ollama/served/model")
    assert answer(service) == "Forty decibels [1]."
    assert server.bodies[-1]["model"] == "served/model"
    assert "generator: ollama/served/model" in service.home.config.read_text()
    assert service.writers.is_writing
    assert service.writers.shown == f"served/model at {server.url}/v1"
    assert "written by a model" in service.profile_note
    # The switch at the question's box.
    *_, quoted = service.ask(QUESTION, "quotes")
    assert quoted.text == QUOTE  # type: ignore[union-attr]
    service.writers.choose("quotes")
    assert answer(service) == QUOTE
    assert service.home.config.read_text() == "generator: quotes\n"


@pytest.mark.parametrize(
    "name", ["http://example.org/v1", "ollama/other", "remote", "", "../kb.yaml", "ollama/"]
)
def test_another_name_changes_nothing(service: Service, server: ChatServer, name: str) -> None:
    before = service.kb.config
    with pytest.raises(ConfigError):
        service.writers.choose(name)
    assert service.kb.config is before
    assert all("messages" not in body for body in server.bodies)


@pytest.mark.usefixtures("server")
def test_a_model_that_is_not_here_changes_nothing(service: Service) -> None:
    before = service.kb.config
    assert not service.writers.laptop.now().is_here
    with pytest.raises(ModelLoadError, match="kb models pull"):
        service.writers.choose("laptop")
    assert service.kb.config is before


def chosen(client: TestClient, name: str) -> str:
    event = event_of(client, "kb-settings", "submit")
    return json.dumps(send_event(client, event, [], event_data={"name": name}))


@pytest.mark.usefixtures("server")
def test_the_page_of_this_computer_chooses_by_name(service: Service) -> None:
    with page_client(service) as client:
        looked = json.dumps(send_event(client, event_of(client, "kb-settings", "retry"), []))
        assert "served/model" in looked
        assert "Written now by served/model" in chosen(client, "ollama/served/model")
        assert service.writers.is_writing
        refused = chosen(client, "http://example.org/v1")
        assert "Nothing was changed" in refused
        assert service.writers.shown.startswith("served/model")


@pytest.mark.usefixtures("server")
def test_where_others_have_the_password_it_does_not(service: Service) -> None:
    with page_client(service, "a long password") as client:
        before = service.kb.config
        looked = json.dumps(send_event(client, event_of(client, "kb-settings", "retry"), []))
        assert "served/model" not in looked
        assert "chosen at this computer" in chosen(client, "ollama/served/model")
        assert service.kb.config is before


def test_names_are_escaped() -> None:
    from kb.config.named import LOCAL_SERVERS
    from kb.models.remote.servers import FoundModel, FoundServer
    from ui.web.html.writers import writers_html

    name = 'ollama/"><img src=x onerror=alert(1)>'
    found = FoundServer(LOCAL_SERVERS[0], (FoundModel(name),), "")
    shown = writers_html(name, [found], is_writing=True, may_choose=True, error=name)
    assert "<img" not in shown
