"""Small directories with the files of a Qwen3-VL model, and a server that speaks as hubs do."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

__all__ = [
    "SHARDS",
    "HubServer",
    "config_bytes",
    "model_files",
    "safetensors_bytes",
    "write_model",
]

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def safetensors_bytes(**n_floats: int) -> bytes:
    """A safetensors file with one float32 vector a name."""
    header, offset = {}, 0
    for name, n in n_floats.items():
        header[name] = {"dtype": "F32", "shape": [n], "data_offsets": [offset, offset + 4 * n]}
        offset += 4 * n
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    body = bytes(i * 7 % 251 for i in range(offset))
    return struct.pack("<Q", len(text)) + text + body


def config_bytes(**more: object) -> bytes:
    """A configuration of the family."""
    return json.dumps(
        {"model_type": "qwen3_vl", "text_config": {"hidden_size": 64}, **more}
    ).encode()


def tokenizer_bytes() -> bytes:
    """A tokenizer that knows what prompts are made of, and no words."""
    marks = [f"<|{name}|>" for name in ("image_pad", "video_pad", "im_start", "im_end")]
    added = [
        {"id": n, "content": mark, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for n, mark in enumerate(marks)
    ]
    model = {"type": "BPE", "vocab": {mark: n for n, mark in enumerate(marks)}, "merges": []}
    return json.dumps({"version": "1.0", "added_tokens": added, "model": model}).encode()


def model_files(n_floats: int = 50_000) -> dict[str, bytes]:
    """Name and content of the files of a model with two weight files."""
    index = {"metadata": {}, "weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    return {
        "config.json": config_bytes(),
        "tokenizer.json": tokenizer_bytes(),
        "preprocessor_config.json": b'{"image_mean": [0.5], "image_std": [0.5]}',
        "video_preprocessor_config.json": b'{"image_mean": [0.5], "image_std": [0.5], "fps": 2}',
        "chat_template.jinja": b"{{ messages }}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        SHARDS[0]: safetensors_bytes(a=n_floats),
        SHARDS[1]: safetensors_bytes(b=n_floats + 1),
    }


def write_model(directory: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write a model, `model_files` by default."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in (files or model_files()).items():
        (directory / name).write_bytes(content)
    return directory


@dataclass
class HubServer:
    """Both hubs on the loopback, for any repository.

    Attributes:
        commits: Files of each commit; ``main`` and ``master`` are the last one.
        broken: Where the next transfer of a file is cut, in bytes; once each.
        held: Where the transfer of a file waits for `freed`, in bytes.
        spoiled: Files whose bytes are not the ones their digests tell.
        status: What every request is answered with, where it is set.
        seen: Path and headers of each request.
    """

    commits: dict[str, dict[str, bytes]]
    broken: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    freed: threading.Event = field(default_factory=threading.Event)
    spoiled: set[str] = field(default_factory=set)
    honours_range: bool = True
    status: int | None = None
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> HubServer:
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.freed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    @property
    def cdn_url(self) -> str:
        """The same server under a name that is another host to clients."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def ranges(self, name: str) -> list[str | None]:
        """The Range header of each request for the bytes of `name`."""
        return [
            headers.get("range") for path, headers in self.seen if path.startswith(f"/cdn/{name}")
        ]


class _Handler(BaseHTTPRequestHandler):
    server_hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, url = self.server_hub, urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.seen.append((self.path, headers))
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if hub.status is not None:
            self._answer(hub.status, b"{}")
        elif parts[0] == "cdn":
            self._bytes(parts[1], parts[2])
        elif parts[:2] == ["api", "models"]:
            self._hugging_face_list(parts[5])
        elif parts[:3] == ["api", "v1", "models"] and parts[-1] == "files":
            self._model_scope_list(query["Revision"])
        elif parts[:3] == ["api", "v1", "models"]:
            self._to_cdn(query["FilePath"], query["Revision"])
        elif parts[2] == "resolve":
            self._to_cdn("/".join(parts[4:]), parts[3])
        else:
            self._answer(404, b"")

    def _files(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        hub = self.server_hub
        commit = hub.head if revision in ("main", "master") else revision
        return (commit, hub.commits[commit]) if commit in hub.commits else None

    def _hugging_face_list(self, revision: str) -> None:
        found = self._files(revision)
        if found is None:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = []
        for name, content in found[1].items():
            item: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            if name.endswith(".safetensors"):
                digest = hashlib.sha256(content).hexdigest()
                item["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 135}
            else:
                blob = b"blob %d\0" % len(content) + content
                item["blobId"] = hashlib.sha1(blob).hexdigest()
            siblings.append(item)
        answer = {"id": "Qwen/model", "sha": found[0], "siblings": siblings}
        self._answer(200, json.dumps(answer).encode())

    def _model_scope_list(self, revision: str) -> None:
        found = self._files(revision)
        data: dict[str, Any] = {"Files": None, "LatestCommitter": None}
        if found is not None:
            files = [
                {
                    "Path": name,
                    "Name": name,
                    "Type": "blob",
                    "Size": len(content),
                    "Sha256": hashlib.sha256(content).hexdigest(),
                    "Revision": found[0],
                }
                for name, content in found[1].items()
            ]
            files.append({"Path": "assets", "Name": "assets", "Type": "tree", "Size": 0})
            data = {"Files": files, "LatestCommitter": {"Id": "", "ShortId": found[0][:8]}}
        self._answer(200, json.dumps({"Code": 200, "Data": data, "Success": True}).encode())

    def _to_cdn(self, name: str, revision: str) -> None:
        found = self._files(revision)
        if found is None or name not in found[1]:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        commit, content = found[0], found[1][name]
        place = {
            "Location": f"{self.server_hub.cdn_url}/cdn/{quote(name, safe='')}/{commit}",
            "X-Repo-Commit": commit,
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
        }
        self._answer(302, b"", place)

    def _bytes(self, name: str, commit: str) -> None:
        hub = self.server_hub
        content = hub.commits[commit][name]
        if name in hub.spoiled:
            content = content[:-1] + b"\xff"
        start = 0
        asked = self.headers.get("Range")
        if asked and hub.honours_range:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = hub.broken.pop(name, None)
        if (hold := hub.held.get(name, 0)) > start:
            self.wfile.write(content[start:hold])
            hub.freed.wait(60)
            start = hold
        try:
            self.wfile.write(content[start:cut])
        except OSError:
            self.close_connection = True  # whoever asked has had enough
        if cut is not None:
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
