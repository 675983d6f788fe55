"""Stand-ins for Ollama, LM Studio, llama-server and vLLM: their lists, in their own formats, as
their documentation shows them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from kb.config.named import LOCAL_SERVERS, LocalServer

__all__ = [
    "LLAMA_SERVER",
    "LM_STUDIO",
    "OLLAMA",
    "VLLM",
    "Answers",
    "LoopbackServer",
    "ModelServer",
]

Json = dict[str, Any]
Answers = Mapping[str, Any]

OLLAMA: Answers = {
    "GET /v1/models": {
        "object": "list",
        "data": [
            {"id": "qwen3-vl:2b", "object": "model", "created": 1, "owned_by": "library"},
            {"id": "gemma3:270m", "object": "model", "created": 1, "owned_by": "library"},
            {"id": "nomic-embed-text:latest", "object": "model", "owned_by": "library"},
            {"id": "llama3.2:latest", "object": "model", "owned_by": "library"},
        ],
    },
    "POST /api/show qwen3-vl:2b": {
        "capabilities": ["completion", "vision", "tools"],
        "model_info": {"general.architecture": "qwen3vl", "qwen3vl.context_length": 262144},
    },
    "POST /api/show gemma3:270m": {
        "capabilities": ["completion"],
        "model_info": {"general.architecture": "gemma3", "gemma3.context_length": 32768},
    },
    "POST /api/show nomic-embed-text:latest": {"capabilities": ["embedding"], "model_info": {}},
}
LM_STUDIO: Answers = {
    "GET /v1/models": {
        "object": "list",
        "data": [
            {"id": "qwen/qwen3-vl-4b", "object": "model", "owned_by": "organization_owner"},
            {"id": "text-embedding-nomic-embed-text-v1.5", "object": "model"},
            {"id": "qwen3-1.7b", "object": "model"},
        ],
    },
    "GET /api/v0/models": {
        "object": "list",
        "data": [
            {"id": "qwen/qwen3-vl-4b", "type": "vlm", "state": "not-loaded"}
            | {"arch": "qwen3_vl", "quantization": "4bit", "max_context_length": 262144},
            {"id": "text-embedding-nomic-embed-text-v1.5", "type": "embeddings"},
            {"id": "qwen3-1.7b", "type": "llm", "max_context_length": 40960},
        ],
    },
}
LLAMA_SERVER: Answers = {
    "GET /v1/models": {
        "object": "list",
        "data": [{"id": "Qwen3-VL-2B.gguf", "object": "model", "owned_by": "llamacpp"}],
    },
    "GET /props": {
        "default_generation_settings": {"n_ctx": 8192},
        "modalities": {"vision": True, "audio": False},
    },
}
VLLM: Answers = {
    "GET /v1/models": {
        "object": "list",
        "data": [
            {"id": "Qwen/Qwen3-VL-2B-Instruct", "owned_by": "vllm", "max_model_len": 16384},
        ],
    },
}


class LoopbackServer:
    """On a free port of the loopback, in threads, while it is entered.

    Args:
        key: Of `LOCAL_SERVERS`.
        handler: Answers.
    """

    def __init__(self, key: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        known = next(one for one in LOCAL_SERVERS if one.key == key)
        self.server = LocalServer(key, known.name, self._http.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class ModelServer(LoopbackServer):
    """On a free port of the loopback, in threads.

    Args:
        key: Of `LOCAL_SERVERS`.
        answers: The JSON or the bytes by method and path, and for ``/api/show`` by model.
        status: Of every answer.
    """

    def __init__(self, key: str, answers: Answers, status: int = 200) -> None:
        self.asked: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(f"GET {self.path}")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(f"POST {self.path} {body['model']}")

            def _answer(self, asked: str) -> None:
                owner.asked.append(asked)
                found = answers.get(asked)
                data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(404 if found is None else status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(key, Handler)
