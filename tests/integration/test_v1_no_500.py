"""Whatever fits or does not fit the description of the API for programs: no traceback, no 500, and
every answer is one that the description knows."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from made_home import pump_service
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from kb.types import Citation, Locator
from ui.http.problems import handle_problems
from ui.http.v1.app import v1_app
from ui.service.service import Service
from ui.service.turns import Stage, Turn

OPERATIONS = {
    "POST /search": 30,
    "POST /ask": 20,
    "GET /passages/{id}": 20,
    "GET /documents": 30,
    "POST /documents": 15,
    "POST /documents/retry": 10,
    "GET /documents/{id}": 10,
    "DELETE /documents/{id}": 10,
    "POST /documents/{id}/retry": 10,
    "GET /conversations": 20,
    "POST /conversations": 15,
    "POST /conversations/{id}/ask": 15,
    "GET /conversations/{id}": 10,
    "PATCH /conversations/{id}": 10,
    "DELETE /conversations/{id}": 10,
    "GET /conversations/{id}/export": 10,
    "PUT /conversations/{id}/turns/{number}/feedback": 10,
    "DELETE /conversations/{id}/turns/{number}/feedback": 5,
    "GET /feedback": 2,
    "GET /trash": 2,
    "POST /trash/{id}/restore": 5,
    "DELETE /trash/{id}": 5,
    "DELETE /trash": 2,
    "GET /status": 3,
    "GET /health": 3,
    "GET /ready": 3,
}
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("v1-no-500")) as service:
        yield service


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[str, Any]:
    """Every operation, by its method and its path."""
    # It imports modules as it goes; for what Gradio left see `conftest.pytest_sessionfinish`.
    gc.collect()
    app = FastAPI()
    handle_problems(app, str)  # a path of two lines reaches no mounted app; the guard tells of it
    app.mount("/api/v1", v1_app(service))
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    found = [operation.ok() for operation in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    assert {*operations} == {*OPERATIONS}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.filterwarnings("default")
def test_operations_answer_as_they_are_described(operations: dict[str, Any], name: str) -> None:
    operation = operations[name]
    statuses: set[int] = set()
    fits = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    does_not = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=OPERATIONS[name],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=fits | does_not)
    def try_it(case: Any) -> None:
        answer = case.call()
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        assert "unexpected error" not in answer.text, (case.as_curl_command(), answer.text)

    try_it()
    # Some reach their route: it knows no such id, or is asked nothing.
    assert statuses & {200, 201, 202, 400, 404}


@pytest.mark.parametrize("name", ["POST /search", "POST /ask", "POST /conversations"])
def test_answers_are_as_they_are_described(operations: dict[str, Any], name: str) -> None:
    body = {"text": "How loud is the pump?"}
    case = operations[name].Case(body=body, media_type="application/json")
    answer = case.call()
    assert answer.status_code == 200
    assert answer.json()["results"]
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("GET /conversations/{id}", {}),
        ("GET /conversations/{id}/export", {"query": {"format": "md"}}),
        ("GET /conversations/{id}/export", {"query": {"format": "json"}}),
        ("PATCH /conversations/{id}", {"body": {"title": "Noise", "is_pinned": True}}),
        ("POST /conversations/{id}/ask", {"body": {"text": "And how heavy is it?"}}),
        ("DELETE /conversations/{id}", {}),
    ],
)
def test_conversations_are_as_they_are_described(
    operations: dict[str, Any], service: Service, name: str, sent: dict[str, Any]
) -> None:
    turn = Turn(1, "How loud is the pump?", text="40 decibels [1]", stage=Stage.WHOLE)
    turn.citations = [Citation(1, "c", "pump.md", Locator(page=2), "40 decibels")]
    talk = service.conversations.begin("", turn)
    media_type = {"media_type": "application/json"} if "body" in sent else {}
    case = operations[name].Case(path_parameters={"id": talk}, **sent, **media_type)
    answer = case.call()
    assert answer.status_code == 200
    case.validate_response(answer, checks=CHECKS)
