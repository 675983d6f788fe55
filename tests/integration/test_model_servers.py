"""Looking for the model servers that run on this computer already."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from model_servers import LLAMA_SERVER, LM_STUDIO, OLLAMA, VLLM, Answers, ModelServer

from kb.config.named import LocalServer
from kb.errors import ConfigError
from kb.models.remote.servers import FoundModel, find_name, find_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[list[LocalServer]]:
    with ExitStack() as running:
        yield [
            running.enter_context(ModelServer(key, answers)).server
            for key, answers in (
                ("ollama", OLLAMA),
                ("lmstudio", LM_STUDIO),
                ("llama-server", LLAMA_SERVER),
                ("vllm", VLLM),
            )
        ]


def test_each_lists_what_can_write_and_whether_it_sees(servers: list[LocalServer]) -> None:
    found = find_servers(servers)
    assert [one.server.name for one in found] == ["Ollama", "LM Studio", "llama-server", "vLLM"]
    assert [model for one in found for model in one.models] == [
        FoundModel("ollama/qwen3-vl:2b", True, 262144),
        FoundModel("ollama/gemma3:270m", False, 32768),
        FoundModel("ollama/llama3.2:latest"),
        FoundModel("lmstudio/qwen/qwen3-vl-4b", True, 262144),
        FoundModel("lmstudio/qwen3-1.7b", False, 40960),
        FoundModel("llama-server/Qwen3-VL-2B.gguf", True, 8192),
        FoundModel("vllm/Qwen/Qwen3-VL-2B-Instruct", None, 16384),
    ]
    assert not any(one.problem for one in found)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("ollama/qwen3-vl:2b", "ollama/qwen3-vl:2b"),
        ("qwen3-vl:2b", "ollama/qwen3-vl:2b"),
        ("llama3.2", "ollama/llama3.2:latest"),
        ("ollama/llama3.2", "ollama/llama3.2:latest"),
        ("qwen/qwen3-vl-4b", "lmstudio/qwen/qwen3-vl-4b"),
        ("vllm", "vllm/Qwen/Qwen3-VL-2B-Instruct"),
    ],
)
def test_a_name_may_be_short(servers: list[LocalServer], name: str, whole: str) -> None:
    assert find_name(name, servers) == whole


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ollama", r"may be ollama/qwen3-vl:2b, ollama/gemma3:270m.*Say which"),
        ("ollama/gpt", r"No model is called 'ollama/gpt'\. Here are: ollama/qwen3-vl:2b"),
        ("gpt-4", r"No model is called 'gpt-4'\. Here are: .*lmstudio/qwen/qwen3-vl-4b"),
    ],
)
def test_another_name_tells_those_there_are(
    servers: list[LocalServer], name: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        find_name(name, servers)


def test_where_none_runs() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = LocalServer("ollama", "Ollama", probe.getsockname()[1])
        assert find_servers([dead]) == ()
        with pytest.raises(ConfigError, match=r"Ollama does not answer at .* Start it"):
            find_name("ollama/m", [dead])
        with pytest.raises(ConfigError, match="start Ollama or LM Studio first"):
            find_name("m", [dead])


@pytest.mark.parametrize("status", [401, 403])
def test_one_that_wants_a_key_says_how_to_give_it(status: int) -> None:
    with ModelServer("lmstudio", {"GET /v1/models": {"error": "no key"}}, status) as running:
        (found,) = find_servers([running.server])
        assert found.models == ()
        assert "wants a key" in found.problem
        assert "api_key: $NAME" in found.problem
        with pytest.raises(ConfigError, match="wants a key"):
            find_name("lmstudio/m", [running.server])


@pytest.mark.parametrize(
    ("key", "answers"),
    [
        ("ollama", {"GET /v1/models": {"object": "list", "data": None}}),
        ("lmstudio", {"GET /v1/models": {"data": []}}),
        (
            "ollama",
            {
                "GET /v1/models": {"data": [{"id": "e"}]},
                "POST /api/show e": {"capabilities": ["embedding"]},
            },
        ),
    ],
)
def test_one_that_lists_no_model_says_so(key: str, answers: Answers) -> None:
    with ModelServer(key, answers) as running:
        (found,) = find_servers([running.server])
        assert found.models == ()
        assert "has no model that writes" in found.problem
        with pytest.raises(ConfigError, match="has no model that writes"):
            find_name(f"{key}/m", [running.server])


@pytest.mark.parametrize(
    "answer",
    [b"<html>my page</html>", b"[1, 2]", b"{}", b'{"data": 3}', b"[" * 100_000, b"\xff\xfe", b""],
)
def test_what_else_listens_there_is_none(answer: bytes) -> None:
    with ModelServer("llama-server", {"GET /v1/models": answer}) as running:
        assert find_servers([running.server]) == ()


def test_names_that_no_line_can_hold_are_left_out() -> None:
    names = ["good", "", "a\nb", " c", "d" * 300, 7, None, "sk-abcdefgh12345678", "\x1b[31mred"]
    answer = {"data": [{"id": name} for name in names] + ["x"]}
    with ModelServer("vllm", {"GET /v1/models": answer}) as running:
        (found,) = find_servers([running.server])
        assert [model.name for model in found.models] == ["vllm/good"]


@pytest.mark.parametrize("drips", [False, True])
def test_one_that_hangs_is_not_waited_for(drips: bool) -> None:
    is_over = threading.Event()

    def serve(listening: socket.socket) -> None:
        with listening, listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while drips and not is_over.wait(0.1):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return
            is_over.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        start_s = time.monotonic()
        found = find_servers([LocalServer("vllm", "vLLM", listening.getsockname()[1])])
        took_s = time.monotonic() - start_s
        is_over.set()
        thread.join()
    assert found == ()
    assert took_s < 10


KB = (sys.executable, "-m", "ui.cli", "models")


def kb(*arguments: str, ollama: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OLLAMA_HOST": ollama, "PYTHONWARNINGS": "error"}
    command = [*KB, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_the_command_lists_them_and_writes_the_choice(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text("# mine\nretrieve: {n_results: 5}\n")
    with ModelServer("ollama", OLLAMA) as running:
        url = running.server.url
        listed = json.loads(kb("servers", "--json", ollama=url).stdout)
        row = next(row for row in listed["servers"] if row["server"] == "Ollama")
        assert row["models"][0] == {
            "name": "ollama/qwen3-vl:2b",
            "sees_pictures": True,
            "context_tokens": 262144,
        }
        shown = kb("servers", ollama=url).stdout
        assert "ollama/qwen3-vl:2b" in shown
        assert "sees pictures, 262,144 tokens" in shown
        used = kb("use", "qwen3-vl:2b", "--home", str(tmp_path), ollama=url)
        assert used.returncode == 0, used.stderr
        wrong = kb("use", "ollama/gpt", "--home", str(tmp_path), ollama=url)
        assert (wrong.returncode, "Here are" in wrong.stderr) == (1, True)
    written = "# mine\nretrieve: {n_results: 5}\ngenerator: ollama/qwen3-vl:2b\n"
    assert (tmp_path / "kb.yaml").read_text() == written
    back = kb("use", "quotes", "--home", str(tmp_path), ollama=url)
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "kb.yaml").read_text().endswith("generator: quotes\n")
