"""A server that speaks as vLLM 0.32 does when it serves Qwen3-VL-Embedding and Qwen3-VL-Reranker.

It reads requests by vLLM's rules (``vllm/entrypoints/pooling``, ``vllm/multimodal/media/video.py``,
``vllm/model_executor/models/qwen3_vl.py``): the chat template is rendered by transformers,
arguments of a request are refused where the server does not trust them, frames are counted and
timed from ``media_io_kwargs``, marks around a clip stay. What it would show the model must be,
character by character, the prompt that our own models build, and those then answer; with `silent`,
another prompt is answered with other numbers, as vLLM does. Faults are played in order, one a
request.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from transformers import AutoTokenizer
from vllm_media import BadRequestError, as_query, read_frames, read_picture, split_data_url

from kb.config.models import Qwen3VLEncoderConfig, Qwen3VLRerankerConfig
from kb.content import ClipFrame, Content, Picture
from kb.device.placement import SharedDevice
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.qwen3_vl.prompts import embedding_prompt, rerank_prompt
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.pixels import CELL_PX
from kb.text.special_tokens import neutral
from kb.types import Query

__all__ = ["EMBEDDING", "RERANKER", "Fault", "VllmServer", "answer", "hang", "reason"]

EMBEDDING, RERANKER = "tiny/Qwen3-VL-Embedding", "tiny/Qwen3-VL-Reranker"
_TEMPLATE = Path(__file__).parents[1] / "configs" / "qwen3_vl.jinja"
_VIDEO_MARK = "<|vision_start|><|video_pad|><|vision_end|>"
_PROMPT = re.compile(
    r"<\|im_start\|>system\n(.*?)<\|im_end\|>\n<\|im_start\|>user\n(.*?)<\|im_end\|>\n"
    r"<\|im_start\|>assistant\n?",
    re.DOTALL,
)

Json = dict[str, Any]
Fault = Callable[[], Response | None]


def answer(body: object, status: int = 200, **headers: str) -> Fault:
    """Answers `body` (JSON, or text as it is) in place of the models."""
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda: Response(text, status, headers, "application/json")


def reason(text: str, status: int, **headers: str) -> Fault:
    """Answers an error in vLLM's form."""
    return answer({"error": {"message": text, "type": "Error", "code": status}}, status, **headers)


def hang(delay_s: float) -> Fault:
    """Answers late."""
    return lambda: time.sleep(delay_s)


class VllmServer:
    """On a free port of the loopback, in a thread. Both models behind one address.

    Args:
        checkpoint: Of both models.
        key: Wanted as a bearer token.
        max_model_len: Prompts with more tokens of words are refused.
        trusts: Whether it was started with ``--trust-request-mm-kwargs``.
        resizes: Whether it was started without ``--mm-processor-kwargs``.
        template: Of ``--chat-template``.
        pools_last: Whether vectors are read at the last token.
        silent: Answer other prompts than the trained one.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        key: str | None = None,
        max_model_len: int = 8192,
        trusts: bool = True,
        resizes: bool = False,
        template: str = _TEMPLATE.read_text("utf-8"),
        pools_last: bool = True,
        silent: bool = False,
        port: int = 0,
    ) -> None:
        self.key = key
        self.served = [EMBEDDING, RERANKER]
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, Json]] = []
        self.n_at_once = self.most_at_once = 0
        self._max_model_len = max_model_len
        self.trusts, self.resizes, self.pools_last = trusts, resizes, pools_last
        self.template, self.silent = template, silent
        self.counts = True
        self._lock = threading.Lock()
        self._tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.serve(checkpoint)
        app = FastAPI()
        for path in ("/v1/embeddings", "/classify"):
            app.add_api_route(path, self._endpoint, methods=["POST"])
        app.add_api_route("/v1/models", self._models, methods=["GET"])
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run)

    def serve(self, checkpoint: Path) -> None:
        """Put the models of `checkpoint` behind the names."""
        assets, device = AssetStore(checkpoint / "no-assets"), SharedDevice.alone()
        self._encoder = Qwen3VLEncoder(
            Qwen3VLEncoderConfig(model=EMBEDDING, device="cpu"), checkpoint, assets, device
        )
        self._reranker = Qwen3VLReranker(
            Qwen3VLRerankerConfig(model=RERANKER, device="cpu"), checkpoint, assets, device
        )

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def bodies(self, path: str) -> list[Json]:
        """What was asked at `path`."""
        return [body for asked, body in self.requests if asked == path]

    def _models(self, request: Request) -> Response:
        return self._faulty(request) or JSONResponse(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.served]}
        )

    async def _endpoint(self, request: Request) -> Response:
        from fastapi.concurrency import run_in_threadpool

        body = await request.json()
        return await run_in_threadpool(self._answered, request, body)

    def _answered(self, request: Request, body: Json) -> Response:
        path = request.url.path
        with self._lock:
            self.requests.append((path, body))
            self.n_at_once += 1
            self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            if fault := self._faulty(request):
                return fault
            if body["model"] not in self.served:
                return reason(f"The model `{body['model']}` does not exist.", 404)() or Response()
            self._refuse_kwargs(body)
            answer = self._embedding(body) if path.endswith("embeddings") else self._classify(body)
            return JSONResponse(answer)
        except BadRequestError as error:
            return reason(str(error), 400)() or Response()
        finally:
            with self._lock:
                self.n_at_once -= 1

    def _faulty(self, request: Request) -> Response | None:
        with self._lock:
            fault = self.faults.popleft() if self.faults else None
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        return fault() if fault else None

    def _refuse_kwargs(self, body: Json) -> None:
        for name in ("mm_processor_kwargs", "media_io_kwargs"):
            if body.get(name) and not self.trusts:
                raise BadRequestError(
                    f"Per-request {name} are disabled by default. Start the server with "
                    "--trust-request-mm-kwargs only when clients are trusted."
                )

    def _embedding(self, body: Json) -> Json:
        """As ``EmbeddingChatRequest`` and ``EmbeddingCompletionRequest``."""
        if "input" in body:
            vector, n_tokens = self._of_literal(body["input"])
        else:
            prompt, n_tokens, content = self._rendered(body)
            vector = self._shown(prompt, content, body)
        data = [{"object": "embedding", "index": 0, "embedding": vector.tolist()}]
        return {**self._answered_with(n_tokens, body), "data": data}

    def _classify(self, body: Json) -> Json:
        """As ``ClassificationChatRequest`` and ``ClassificationCompletionRequest``."""
        if "input" in body:
            vector, n_tokens = self._of_literal(body["input"])
            score = float(1 + vector[0]) / 2
        else:
            prompt, n_tokens, content = self._rendered(body)
            parts = body["messages"][1]["content"]
            first = parts[0].get("text", "")
            if first.startswith("<Instruct>: "):
                score = self._judged(parts, first, prompt, body)
            else:
                score = float(1 + self._shown(prompt, content, body)[0]) / 2
        data = [{"index": 0, "label": "LABEL_0", "probs": [score], "num_classes": 1}]
        return {**self._answered_with(n_tokens, body), "data": data}

    def _judged(self, parts: Sequence[Json], first: str, prompt: str, body: Json) -> float:
        instruction = first.removeprefix("<Instruct>: ").removesuffix("<Query>:")
        at = parts.index({"type": "text", "text": "\n<Document>:"})
        query, document = (self._parse(some, body) for some in (parts[1:at], parts[at + 1 :]))
        if not any(_is_interleaved(some) for some in (parts[1:at], parts[at + 1 :])):
            self._is_trained(prompt, "".join(rerank_prompt(query, document, instruction)))
        return float(self._reranker.score(query, [document], instruction)[0])

    def _answered_with(self, n_tokens: int, body: Json) -> Json:
        usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens} if self.counts else None
        return {"object": "list", "model": body["model"], "usage": usage}

    def _of_literal(self, prompt: str) -> tuple[np.ndarray, int]:
        """Of a prompt as it is; one that ends before the trained token has another vector."""
        found = _PROMPT.fullmatch(prompt)
        assert found, prompt
        system, user = found.groups()
        ends = prompt.endswith("\n") or not self.pools_last
        text = user if ends else f"{user} {user}"
        vector = self._encoder.encode_queries([Query(text, instruction=system)])[0]
        return vector, len(self._tokenizer(prompt)["input_ids"])

    def _shown(self, prompt: str, content: Content, body: Json) -> np.ndarray:
        """The vector of what is shown; of other words where that is not what was trained."""
        instruction = str(body["messages"][0]["content"][0]["text"])
        if _is_interleaved(body["messages"][1]["content"]) or not self._is_trained(
            prompt, embedding_prompt(content, instruction)
        ):
            return self._other(prompt)
        vector: np.ndarray = self._encoder.encode_queries([as_query(content, instruction)])[0]
        return vector

    def _other(self, prompt: str) -> np.ndarray:
        vector: np.ndarray = self._encoder.encode_queries([Query(neutral(prompt))])[0]
        return vector

    def _rendered(self, body: Json) -> tuple[str, int, Content]:
        """The prompt, its tokens with those of pictures, and what the user's turn shows."""
        if body.get("continue_final_message") and body.get("add_generation_prompt"):
            raise BadRequestError("Cannot set both")
        shown = [
            {"role": one["role"], "content": [_of_template(part) for part in one["content"]]}
            for one in body["messages"]
        ]
        prompt = self._tokenizer.apply_chat_template(
            shown,
            chat_template=self.template,
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", False),
            continue_final_message=body.get("continue_final_message", False),
        )
        content = self._parse(body["messages"][1]["content"], body)
        prompt = self._with_clips(prompt, body)
        assert body.get("add_special_tokens", False), "the tokenizer's own tokens are missing"
        n_tokens = len(self._tokenizer(prompt)["input_ids"])
        if n_tokens > self._max_model_len:
            raise BadRequestError(
                f"This model's maximum context length is {self._max_model_len} tokens. However, "
                f"your request has {n_tokens} input tokens."
            )
        for part in body["messages"][1]["content"]:
            one = self._parse([part], body)
            n_tokens += sum(_n_cells(picture) - 1 for picture in one.pictures)
            n_tokens += sum(_n_cells(frame.picture) - 1 for frame in one.clip[::2])
        return prompt, n_tokens, content

    def _with_clips(self, prompt: str, body: Json) -> str:
        """Each clip's one token becomes its pairs of frames; marks around it stay."""
        for part in body["messages"][1]["content"]:
            if clip := self._parse([part], body).clip:
                times_s = [frame.time_s for frame in clip]
                pairs = zip(times_s[::2], times_s[1::2], strict=True)
                # What has been expanded keeps its marks, so it is told apart until the end.
                steps = "".join(f"<{(a + b) / 2:.1f} seconds>\0" for a, b in pairs)
                prompt = prompt.replace("<|video_pad|>", steps, 1)
        return prompt.replace("\0", _VIDEO_MARK)

    def _is_trained(self, prompt: str, expected: str) -> bool:
        assert self.silent or prompt == expected, f"shown: {prompt!r}, trained: {expected!r}"
        return prompt == expected

    def _parse(self, parts: Sequence[Json], body: Json) -> Content:
        """What the parts show."""
        texts: list[str] = []
        pictures: list[Picture] = []
        clip: tuple[ClipFrame, ...] = ()
        for part in parts:
            match part["type"]:
                case "text":
                    texts.append(part["text"])
                case "image_url":
                    kind, data = split_data_url(part["image_url"]["url"])
                    assert kind in ("image/jpeg", "image/png")
                    pictures.append(read_picture(data, self.resizes))
                case "video_url":
                    kind, data = split_data_url(part["video_url"]["url"])
                    assert kind == "video/jpeg"
                    kwargs = (body.get("media_io_kwargs") or {}).get("video", {})
                    clip = read_frames(data, kwargs, self.resizes)
                case other:
                    raise BadRequestError(f"Unknown part type: {other}")
        return Content("".join(texts), tuple(pictures), clip)


def _is_interleaved(parts: Sequence[Json]) -> bool:
    """Whether words stand before pictures: what our own models are not asked."""
    kinds = [part["type"] == "text" for part in parts]
    return kinds != sorted(kinds)


def _of_template(part: Json) -> Json:
    """A part as the chat template sees it."""
    return part if part["type"] == "text" else {"type": part["type"].removesuffix("_url")}


def _n_cells(picture: Picture) -> int:
    return picture.width_px * picture.height_px // CELL_PX**2
