"""Pages and events in the language of who asks, for two people at the same time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gradio_events import event_of, send_event
from made_home import pump_service

from ui.http.server import make_server_app

LOCAL = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(home))
        with pump_service(home) as service:
            app = make_server_app(service, token="t0ken")
            with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as client:
                yield client


def page(client: TestClient, **headers: str) -> tuple[str, dict[str, Any]]:
    """The page's language, and what its parts are called, by their ids."""
    text = client.get("/", headers=headers).text
    language = re.search(r'<html\s+lang="([\w-]+)"', text)
    config = re.search(r"window\.gradio_config = (\{.*?\});</script>", text)
    assert language is not None
    assert config is not None
    parts = json.loads(config[1])["components"]
    return language[1], {part["props"].get("elem_id"): part["props"] for part in parts}


def test_page_is_in_the_language_that_the_browser_accepts(client: TestClient) -> None:
    language, parts = page(client, **{"Accept-Language": "zh-CN,zh;q=0.9"})
    assert language == "zh-CN"
    assert parts["kb-tab-library"]["label"] == "资料库"
    assert parts["kb-question"]["placeholder"] == "用文字、图片或视频提问"
    assert ["全部", "all"] in parts["kb-status-filter"]["choices"]
    assert parts["kb-new"]["value"] == "新对话"
    assert "您想了解什么？" in parts["kb-welcome"]["value"]
    language, parts = page(client, **{"Accept-Language": "en-GB"})
    assert language == "en"
    assert parts["kb-tab-library"]["label"] == "Library"
    assert "What would you like to know?" in parts["kb-welcome"]["value"]


def test_choice_is_remembered_and_comes_before_the_browsers(client: TestClient) -> None:
    headers = {"Accept-Language": "en", "Cookie": "kb-language=zh-CN"}
    assert page(client, **headers)[0] == "zh-CN"


def test_what_the_pages_script_says_comes_with_the_page(client: TestClient) -> None:
    text = client.get("/", headers={"Accept-Language": "zh"}).text
    assert '"Delete this file?":"删除此文件？"' in text
    assert "window.kbMessages = {}" in client.get("/").text


def test_two_people_who_ask_at_once_are_each_answered_in_their_language(
    client: TestClient,
) -> None:
    event = event_of(client, "kb-question", "submit")

    def ask(language: str) -> str:
        mine = TestClient(
            client.app, base_url=LOCAL, headers={"Origin": LOCAL, "Accept-Language": language}
        )
        data = [{"text": "How loud is the pump?", "files": []}, "", None, ""]
        return json.dumps(send_event(mine, event, data), ensure_ascii=False)

    with ThreadPoolExecutor() as pool:
        asked = list(pool.map(ask, ["zh-CN", "en"] * 4))
    for chinese, english in zip(asked[::2], asked[1::2], strict=True):
        assert "来自 1 个文件" in chinese
        assert "From 1 file" not in chinese
        assert "From 1 file" in english
        assert "个文件" not in english


def test_source_that_is_gone_is_said_to_be_in_that_language(client: TestClient) -> None:
    path = "/media/view/00000000-0000-5000-8000-000000000000"
    said = client.get(path, headers={"Accept-Language": "zh-CN"})
    assert said.status_code == 404
    assert said.json()["detail"] == "该来源已不在资料库中。"


def test_refusals_of_a_person_are_in_his_language_and_of_a_program_in_english(
    client: TestClient,
) -> None:
    headers = {"Accept-Language": "zh-CN"}
    assert client.get("/nothing", headers=headers).text == "此网址没有内容。"
    large = {"Content-Length": str(1 << 50), **headers}
    said = client.post("/gradio_api/upload", headers=large).json()["error"]["message"]
    assert said.startswith("请求有 1,125,899,906,842,624 字节，超过上限 ")
    assert "kb.yaml 中调高" in said
    said = client.post("/api/upload", headers=large).json()["error"]["message"]
    assert said.startswith("The request has 1,125,899,906,842,624 bytes")
