"""Ollama and LM Studio on the loopback: their lists and chat in their own formats, and answers of
a model in GGUF behind llama.cpp."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
from model_servers import LoopbackServer

from kb.models.llama.process import LlamaProcess

__all__ = ["LlamaStandIn"]

Json = dict[str, Any]


class LlamaStandIn(LoopbackServer):
    """On a free port of the loopback, in threads.

    Args:
        key: ``ollama`` or ``lmstudio``.
        process: Answers.

    Attributes:
        model: Its name there.
        after_piece: Called with the number of pieces of an answer that have been sent.
    """

    def __init__(self, key: str, process: LlamaProcess) -> None:
        self.model = "tiny-qwen3:latest" if key == "ollama" else "qwen/tiny-qwen3"
        self.after_piece: Callable[[int], None] = lambda _: None
        owner = self
        model = self.model
        listed = {"object": "list", "data": [{"id": model, "object": "model"}]}
        about = {"id": model, "type": "llm", "state": "loaded", "max_context_length": 4096}
        answers: dict[str, Json] = {"GET /v1/models": listed}
        if key == "ollama":
            info = {"general.architecture": "qwen3vl", "qwen3vl.context_length": 4096}
            answers["POST /api/show"] = {"capabilities": ["completion"], "model_info": info}
        else:
            answers["GET /api/v0/models"] = {"object": "list", "data": [about]}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._tell(f"GET {self.path}")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/v1/chat/completions":
                    self._pass_on(body)
                else:
                    self._tell(f"POST {self.path}")

            def _tell(self, asked: str) -> None:
                data = json.dumps(answers.get(asked, {"error": "not found"})).encode()
                self.send_response(200 if asked in answers else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _pass_on(self, body: Json) -> None:
                """Events as llama.cpp sends them, until it, or whoever asked, hangs up."""
                self.close_connection = True
                with process.used() as endpoint:
                    headers = {"Authorization": f"Bearer {endpoint.key}"}
                    url = f"{endpoint.url}/v1/chat/completions"
                    with httpx.Client(trust_env=False, timeout=60, headers=headers) as http:
                        try:
                            self._stream(http, url, body)
                        except (httpx.HTTPError, OSError):
                            return

            def _stream(self, http: httpx.Client, url: str, body: Json) -> None:
                with http.stream("POST", url, json=body) as response:
                    self.send_response(response.status_code)
                    self.send_header("Content-Type", response.headers["Content-Type"])
                    self.end_headers()
                    for n, line in enumerate(response.iter_lines()):
                        self.wfile.write(f"{line}\n".encode())
                        self.wfile.flush()
                        owner.after_piece(n)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(key, Handler)
        self.url = f"http://127.0.0.1:{self.server.port}"
