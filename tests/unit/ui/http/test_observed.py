"""Every request has an id, which its answer names, and the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from made_home import pump_service
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.http.observed import Observed
from ui.http.problems import problem
from ui.request_id import current_request_id
from ui.service.metrics import Metrics


async def name(_: Request) -> Response:
    return PlainTextResponse(current_request_id())


def name_in_a_thread(_: Request) -> Response:
    assert threading.current_thread() is not threading.main_thread()
    return problem(400, "Wrong.", "ConfigError")


async def fail(_: Request) -> Response:
    raise ZeroDivisionError


async def refuse(_: Request) -> Response:
    raise HTTPException(418)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    with pump_service(tmp_path_factory.mktemp("observed"), is_synced=False) as service:
        yield service.metrics


@pytest.fixture(scope="module")
def client(metrics: Metrics) -> TestClient:
    routes = [Route("/", name), Route("/problem", name_in_a_thread), Route("/id/{id}", name)]
    routes += [Route("/bug", fail), Route("/refused", refuse)]
    return TestClient(Observed(Starlette(routes=routes), metrics), raise_server_exceptions=False)


def test_the_senders_id_is_kept(client: TestClient) -> None:
    given = "0af7651916cd43dd8448eb211c80319c"
    answer = client.get("/", headers={"X-Request-ID": given})
    assert answer.text == answer.headers["X-Request-ID"] == given
    refused = client.get("/problem", headers={"X-Request-ID": given})
    assert refused.json()["request_id"] == refused.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    [b"", b"short", b"x" * 129, b"a b c d e f", b"id\xe4\xf6\xfc\xe4\xf6\xfc", b"<script>12345",
     b"12345678\tSet-Cookie: a", b"12345678%0d%0aX: y", b'12345678","level":"x'],
)  # fmt: skip
def test_another_is_made_in_place_of_one_that_is_none(client: TestClient, given: bytes) -> None:
    answer = client.get("/", headers=[(b"x-request-id", given)])
    made = answer.headers["X-Request-ID"]
    assert answer.text == made
    assert len(made) == 32
    assert made.isalnum()


def test_of_two_none_is_taken(client: TestClient) -> None:
    both = [("X-Request-ID", "12345678"), ("X-Request-ID", "87654321")]
    assert len(client.get("/", headers=both).headers["X-Request-ID"]) == 32


def test_each_has_its_own(client: TestClient) -> None:
    assert client.get("/").text != client.get("/").text


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/bug", 500), ("/refused", 418)])
def test_each_is_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    with caplog.at_level(logging.INFO, "ui.http.observed"):
        client.get(f"{path}?q=who+earns+what")
    (record,) = [one for one in caplog.records if one.name == "ui.http.observed"]
    assert record.getMessage() == f"GET {path} {status}"
    assert vars(record)["status"] == status
    assert vars(record)["duration_ms"] >= 0
    assert "earns" not in str(vars(record))


def test_each_is_counted_by_its_route(client: TestClient, metrics: Metrics) -> None:
    for n in range(20):
        client.get(f"/id/{n}")
        client.get(f"/nothing/{n}")
        client.request(f"METHOD{n}", f"/{n}")
    client.get("/bug")
    counted = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == "kb_http_requests_total"
    }
    assert counted["GET", "/id/{id}", "200"] == 20
    assert counted["GET", "other", "404"] == 20
    assert counted["other", "other", "404"] == 20
    assert counted["GET", "/bug", "500"] >= 1
    assert len(counted) < 10
