"""A server that speaks as vLLM does when it serves Qwen3-VL-Embedding and Qwen3-VL-Reranker.

It reads requests by vLLM's rules (``vllm/entrypoints/pooling``, ``chat_utils.py``,
``vllm/multimodal/media/video.py``): the chat template is rendered by transformers, flags that
are not set have vLLM's defaults, frames are counted and timed from ``media_io_kwargs``. What it
would show the model must be, character by character, the prompt that our own models build, and
those then answer. Faults are played in order, one a request.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

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

__all__ = ["EMBEDDING", "RERANKER", "Fault", "VllmServer", "answer", "hang", "reason"]

EMBEDDING, RERANKER = "tiny/Qwen3-VL-Embedding", "tiny/Qwen3-VL-Reranker"
_RERANKING = Qwen3VLRerankerConfig(model=RERANKER).instruction
_TEMPLATE = Path(__file__).parents[1] / "configs" / "qwen3_vl_reranker.jinja"
_IMAGE_MARK = "<|vision_start|><|image_pad|><|vision_end|>"
_VIDEO_MARK = "<|vision_start|><|video_pad|><|vision_end|>"

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
        max_model_len: Longer prompts are refused.
        scoring_frames: ``num_frames`` of the server's own ``--media-io-kwargs``.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        key: str | None = None,
        max_model_len: int = 8192,
        scoring_frames: int = -1,
        port: int = 0,
    ) -> None:
        self.key = key
        self.served = [EMBEDDING, RERANKER]
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, Json]] = []
        self.n_at_once = self.most_at_once = 0
        self._max_model_len = max_model_len
        self._scoring_frames = scoring_frames
        self._lock = threading.Lock()
        self._tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self._chat_template = (checkpoint / "chat_template.jinja").read_text("utf-8")
        self.serve(checkpoint)
        app = FastAPI()
        for path in ("/v1/embeddings", "/v1/rerank"):
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
            answer = self._embedding(body) if path.endswith("embeddings") else self._rerank(body)
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

    def _embedding(self, body: Json) -> Json:
        """As ``EmbeddingChatRequest``."""
        if body.get("continue_final_message") and body.get("add_generation_prompt"):
            raise BadRequestError("Cannot set both")
        messages = body["messages"]
        shown, content = [], Content()
        for message in messages:
            parsed, parts = self._parse(message["content"], body, body.get("media_io_kwargs"))
            shown.append({"role": message["role"], "content": parts})
            content = parsed if message["role"] == "user" else content
        prompt = self._tokenizer.apply_chat_template(
            shown,
            chat_template=self._chat_template,
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", False),
            continue_final_message=body.get("continue_final_message", False),
        )
        instruction = messages[0]["content"][0]["text"]
        self._compare(prompt, content, embedding_prompt(content, instruction))
        assert body.get("add_special_tokens", False), "the tokenizer's own tokens are missing"
        vector = self._encoder.encode_queries([as_query(content, instruction)])[0]
        data = [{"object": "embedding", "index": 0, "embedding": vector.tolist()}]
        return {"object": "list", "model": body["model"], "data": data}

    def _rerank(self, body: Json) -> Json:
        """As ``RerankRequest``: the query with each document."""
        instruction = body.get("instruction")
        query, query_prompt = self._scored(body["query"], body)
        results = []
        for index, one in enumerate(body["documents"]):
            document, document_prompt = self._scored(one, body)
            prompt = self._tokenizer.apply_chat_template(
                [
                    {"role": "query", "content": query_prompt},
                    {"role": "document", "content": document_prompt},
                ],
                chat_template=_TEMPLATE.read_text("utf-8"),
                tokenize=False,
                **({"instruction": instruction} if instruction else {}),
            )
            expected = "".join(rerank_prompt(query, document, instruction or _RERANKING))
            self._compare(prompt, query, expected, document)
            score = float(self._reranker.score(query, [document], instruction)[0])
            results.append({"index": index, "relevance_score": score})
        # vLLM sorts by score.
        results.sort(key=lambda one: -one["relevance_score"])
        return {"id": "score-1", "model": body["model"], "results": results}

    def _scored(self, given: str | Json, body: Json) -> tuple[Content, str]:
        """What is shown and its words: marks that the text lacks go before it, each with a
        line break, as ``_get_full_multimodal_text_prompt`` does."""
        parts = [{"type": "text", "text": given}] if isinstance(given, str) else given["content"]
        server_kwargs = {"video": {"num_frames": self._scoring_frames}}
        content, _ = self._parse(parts, body, server_kwargs)
        prompt, lacking = content.text, []
        for mark, n in ((_VIDEO_MARK, bool(content.clip)), (_IMAGE_MARK, len(content.pictures))):
            n_lacking = n - prompt.count(mark)
            if n_lacking < 0:
                raise BadRequestError(f"Found more '{mark}' placeholders in prompt than items.")
            lacking += [mark] * n_lacking
        words = prompt.replace(_VIDEO_MARK, "").replace(_IMAGE_MARK, "")
        shown = Content(words, content.pictures, content.clip)
        return shown, "\n".join([*lacking, prompt])

    def _compare(
        self, prompt: str, first: Content, expected: str, second: Content | None = None
    ) -> None:
        """Expand the mark of each clip, in order, and see whether the rest is as trained."""
        for content in (first, second or Content()):
            if content.clip:
                times_s = [frame.time_s for frame in content.clip]
                pairs = zip(times_s[::2], times_s[1::2], strict=True)
                # What has been expanded keeps its marks, so it is told apart until the end.
                steps = "".join(f"<{(a + b) / 2:.1f} seconds>\0" for a, b in pairs)
                prompt = prompt.replace(_VIDEO_MARK, steps, 1)
        prompt = prompt.replace("\0", _VIDEO_MARK)
        assert prompt == expected, f"shown: {prompt!r}, trained: {expected!r}"
        if (n_tokens := len(self._tokenizer(prompt)["input_ids"])) > self._max_model_len:
            raise BadRequestError(
                f"This model's maximum context length is {self._max_model_len} tokens. However, "
                f"your request has {n_tokens} input tokens."
            )

    def _parse(
        self, parts: Sequence[Json], body: Json, media_io: Json | None
    ) -> tuple[Content, list[Json]]:
        """What the parts show, and the parts as the chat template sees them."""
        resizes = (body.get("mm_processor_kwargs") or {}).get("do_resize", True)
        texts: list[str] = []
        pictures: list[Picture] = []
        clip: tuple[ClipFrame, ...] = ()
        shown: list[Json] = []
        for part in parts:
            match part["type"]:
                case "text":
                    texts.append(part["text"])
                    shown.append(part)
                case "image_url":
                    kind, data = split_data_url(part["image_url"]["url"])
                    assert kind in ("image/jpeg", "image/png")
                    pictures.append(read_picture(data, resizes))
                    shown.append({"type": "image"})
                case "video_url":
                    kind, data = split_data_url(part["video_url"]["url"])
                    assert kind == "video/jpeg"
                    clip = read_frames(data, (media_io or {}).get("video", {}), resizes)
                    shown.append({"type": "video"})
                case other:
                    raise BadRequestError(f"Unknown part type: {other}")
        return Content("\n".join(texts), tuple(pictures), clip), shown
