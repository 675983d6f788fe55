"""The page's policy and its scripts: each carries the nonce of its own response."""

from __future__ import annotations

import re
from collections.abc import Iterator

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ui.http.headers import Policies
from ui.http.page_template import prepare_template
from ui.web.app import mount_options

LOCAL = "http://127.0.0.1:7860"
HOSTILE = "</script><script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    prepare_template()
    prepare_template()
    with gr.Blocks(analytics_enabled=False, title=HOSTILE) as blocks:
        gr.Textbox(HOSTILE, label=HOSTILE)
    app = gr.mount_gradio_app(FastAPI(), blocks, path="/", **mount_options())
    with TestClient(Policies(app), base_url=LOCAL) as client:
        yield client


def directives(response: object) -> dict[str, list[str]]:
    policy = response.headers["content-security-policy"]  # type: ignore[attr-defined]
    parts = [directive.split(" ") for directive in policy.split("; ")]
    return {name: values for name, *values in parts}


def test_scripts_of_the_template_carry_the_nonce_and_there_are_no_others(
    client: TestClient,
) -> None:
    response = client.get("/")
    (nonce,) = re.findall("'nonce-(.+?)'", response.headers["content-security-policy"])
    tags = re.findall("<script[^>]*>", response.text)
    assert len(tags) > 3
    assert all(tag.startswith(f'<script nonce="{nonce}"') for tag in tags)
    assert all(tag.count("nonce=") == 1 for tag in tags)
    assert HOSTILE not in response.text


def test_each_response_has_a_nonce_of_its_own(client: TestClient) -> None:
    policies = {client.get("/").headers["content-security-policy"] for _ in range(5)}
    assert len(policies) == 5


def test_nothing_comes_from_or_goes_to_elsewhere(client: TestClient) -> None:
    policy = directives(client.get("/"))
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["form-action"] == ["'none'"]
    own = {"'self'", "'none'", "data:", "blob:", "'unsafe-eval'", "'unsafe-inline'"}
    for name, values in policy.items():
        assert {value for value in values if not value.startswith("'nonce-")} <= own, name
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "data:" not in policy["script-src"]


def test_the_page_may_not_be_framed_or_use_the_machine(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    for feature in ("camera", "microphone", "geolocation", "usb"):
        assert f"{feature}=()" in headers["permissions-policy"]
