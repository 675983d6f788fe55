"""The library as a model of OpenAI's API: ``/v1/models``, ``/v1/chat/completions``,
``/v1/embeddings``.

The formats are those of https://platform.openai.com/docs/api-reference. The last message is the
question, the ones before it are what it may go on from, and citations are annotations. What a
client sets beside that (a temperature, tools, a system message) is let pass and has no effect:
answers are made of the library's files alone.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from kb.config.named import QUOTES
from kb.errors import ConfigError, PromptTooLongError
from kb.stopping import check
from kb.types import Filters, Query
from ui.http.forms import form_query
from ui.http.problems import error_body, handle_problems, openai_error, problem_of
from ui.http.streams import EVENT_STREAM, event_data, stream
from ui.http.v1.questions import attached, checked, read_json
from ui.service.asking import while_connected
from ui.service.conversation import MAX_TURNS, EarlierTurn
from ui.service.service import Service
from ui.service.shown import Shown
from ui.service.wire import answer_lines

__all__ = ["openai_app"]

Json = dict[str, Any]

_WRITER = "kb"
_QUOTER = "kb-quotes"
_ENCODER = "kb-embeddings"
_MODELS = (_WRITER, _QUOTER, _ENCODER)
_MAX_INPUTS = 256
# Between two of them it is looked whether anybody still waits.
_BATCH = 16
_MAX_TEXT_CHARS = 100_000


class _Url(BaseModel):
    url: str


class _Part(BaseModel):
    type: str
    text: str = ""
    image_url: _Url | None = None


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = None

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)

    def pictures(self) -> list[UploadFile]:
        """Its pictures.

        Raises:
            ConfigError: One is an address on another server, or no base64.
        """
        parts = self.content if isinstance(self.content, list) else []
        return [attached(part.image_url.url, "image_url") for part in parts if part.image_url]


class _ChatRequest(BaseModel):
    model: str
    messages: Annotated[list[_Message], Field(min_length=1, max_length=10_000)]
    stream: bool = False
    n: Annotated[int | None, Field(ge=1, le=1)] = None


class _EmbeddingsRequest(BaseModel):
    model: str
    input: str | Annotated[list[str], Field(min_length=1, max_length=_MAX_INPUTS)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


def openai_app(service: Service) -> FastAPI:
    """The application that is mounted at ``/v1``."""
    shown = Shown(service)
    started_s = int(time.time())
    app = FastAPI(
        title="Knowledge base",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    handle_problems(app, shown, openai_error)
    router = APIRouter()

    @router.get("/models")
    def models() -> Json:
        return {"object": "list", "data": [_model(name, started_s) for name in _MODELS]}

    @router.get("/models/{name}")
    def model(name: str) -> Json:
        return _model(_known(name, *_MODELS), started_s)

    @router.post("/chat/completions", response_model=None)
    async def chat(request: Request) -> Response:
        body = await read_json(request)
        asked = checked(lambda: _ChatRequest.model_validate_json(body))
        _known(asked.model, _WRITER, _QUOTER)
        about = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": asked.model,
        }
        origin = f"{request.url.scheme}://{request.url.netloc}"
        lines = service.askers.each(lambda: _lines(service, asked))

        def citing(answer: Json) -> list[Json]:
            return _annotations(answer, lambda citation: _address(service, origin, citation))

        if not asked.stream:
            answer = await while_connected(request.receive, _whole(lines))
            return JSONResponse(_completion(about, answer, citing(answer)))
        chunks = _chunks(lines, citing)
        return await stream(
            request,
            chunks,
            lambda chunk: _event(about, chunk, shown),
            EVENT_STREAM,
            lambda error: problem_of(error, shown, openai_error),
        )

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request) -> Response:
        body = await read_json(request)
        asked = checked(lambda: _EmbeddingsRequest.model_validate_json(body))
        _known(asked.model, _ENCODER)
        work = service.askers.one(lambda: _vectors(service, asked))
        vectors = await while_connected(request.receive, work)
        data = [
            {"object": "embedding", "index": n, "embedding": _encoded(row, asked.encoding_format)}
            for n, row in enumerate(vectors)
        ]
        # Not counted: nobody pays for them.
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return JSONResponse({"object": "list", "model": asked.model, "data": data, "usage": usage})

    app.include_router(router)
    return app


def _model(name: str, created_s: int) -> Json:
    return {"id": name, "object": "model", "created": created_s, "owned_by": "kb"}


def _known(name: str, *names: str) -> str:
    if name not in names:
        raise HTTPException(
            404, f"There is no model {name[:100]!r} for this. Expected {' or '.join(names)}."
        )
    return name


# -- a conversation -----------------------------------------------------------------------


def _lines(service: Service, asked: _ChatRequest) -> Iterator[Json]:
    question = asked.messages[-1]
    if question.role != "user":
        raise ConfigError(
            f"The last message is of the role {question.role[:20]!r}. Expected the question, of "
            "the role 'user'."
        )
    pictures = question.pictures()
    query = form_query(service, question.text, Filters(), pictures, None, as_written=False)
    query = service.understood(query, _turns(asked.messages[:-1]))
    generator = QUOTES if asked.model == _QUOTER else ""
    return answer_lines(query, service.ask(query, generator), None)


def _turns(messages: Sequence[_Message]) -> list[EarlierTurn]:
    """The questions before, each with the answer that follows it. Clients send all of a
    conversation: its last turns are what a question goes on from."""
    turns: list[EarlierTurn] = []
    for message in messages:
        text = message.text[:_MAX_TEXT_CHARS]
        if message.role == "user":
            turns.append(EarlierTurn(query=text))
        elif message.role == "assistant" and turns:
            turns[-1].answer = text
    return turns[-MAX_TURNS:]


async def _whole(lines: AsyncGenerator[Json, None]) -> Json:
    answer: Json = {}
    async with aclosing(lines):
        async for line in lines:
            answer = line.get("answer", answer)
    return answer


def _completion(about: Mapping[str, Any], answer: Json, annotations: list[Json]) -> Json:
    message = {
        "role": "assistant",
        "content": answer["answer"],
        "refusal": None,
        "annotations": annotations,
    }
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**about, "object": "chat.completion", "choices": [choice]}


async def _chunks(
    lines: AsyncGenerator[Json, None], citing: Callable[[Json], list[Json]]
) -> AsyncGenerator[Json, None]:
    """What is sent of an answer, a ``{"delta", "finish_reason"}`` at a time."""
    said = ""
    role: Json = {"role": "assistant"}
    async with aclosing(lines):
        async for line in lines:
            if "text" in line:
                said += line["text"]
                yield {"delta": {**role, "content": line["text"]}, "finish_reason": None}
                role = {}
            elif "answer" in line:
                answer = line["answer"]
                delta: Json = {**role, "annotations": citing(answer)}
                if said.rstrip() != answer["answer"].rstrip():
                    # The quotes stand in place of what was written so far.
                    again = "\n\n" * bool(said)
                    delta["content"] = again + answer["answer"]
                    start = len(said) + len(again)
                    for annotation in delta["annotations"]:
                        annotation["url_citation"]["start_index"] += start
                        annotation["url_citation"]["end_index"] += start
                yield {"delta": delta, "finish_reason": None}
                yield {"delta": {}, "finish_reason": "stop"}


def _event(about: Mapping[str, Any], chunk: Json, shown: Shown) -> str:
    if "error" in chunk:
        told = chunk["error"]
        return event_data(error_body(shown(told["message"]), told["type"]))
    choice = {"index": 0, **chunk}
    sent = event_data({**about, "object": "chat.completion.chunk", "choices": [choice]})
    return sent + ("data: [DONE]\n\n" if chunk["finish_reason"] else "")


# -- citations ----------------------------------------------------------------------------


def _annotations(answer: Json, address: Callable[[Json], str]) -> list[Json]:
    """A ``url_citation`` for each place where a number stands in the answer."""
    text = answer["answer"]
    found: list[Json] = []
    for citation in answer["citations"]:
        mark = f"[{citation['number']}]"
        start = text.find(mark)
        while start >= 0:
            end = start + len(mark)
            if text[start - 1 : start] != "\\":
                place = {
                    "start_index": start,
                    "end_index": end,
                    "title": citation["source"],
                    "url": address(citation),
                }
                found.append({"type": "url_citation", "url_citation": place})
            start = text.find(mark, end)
    return sorted(found, key=lambda one: int(one["url_citation"]["start_index"]))


def _address(service: Service, origin: str, citation: Json) -> str:
    """Where a browser opens what is cited, at its page or its second."""
    chunk = service.chunk(citation["id"])
    if chunk is None:
        return f"{origin}/"
    place = ""
    if citation["page"] is not None:
        place = f"#page={citation['page']}"
    elif citation["start_s"] is not None:
        place = f"#t={citation['start_s']:g}"
    return f"{origin}/media/documents/{chunk.document_sha256}/original{place}"


# -- vectors ------------------------------------------------------------------------------


def _vectors(service: Service, asked: _EmbeddingsRequest) -> list[Any]:
    """A float32 ``(dim,)`` for each input, as a question is encoded."""
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    encoder = service.kb.encoders.dense
    if asked.dimensions not in (None, encoder.dim):
        raise ConfigError(
            f"The vectors have {encoder.dim} dimensions, and {asked.dimensions} were asked for."
        )
    max_chars = service.config.limits.max_question_chars
    queries = []
    for n, text in enumerate(texts):
        if len(text) > max_chars:
            raise PromptTooLongError(
                f"Input {n} has {len(text):,} characters, over the limit of {max_chars:,}. Shorten "
                "it, or raise `limits.max_question_chars` in kb.yaml."
            )
        query = Query(text=text)
        if not text.strip() or not encoder.accepts(query):
            raise ConfigError(f"Input {n} holds nothing that this profile's encoder reads.")
        queries.append(query)
    rows: list[Any] = []
    for start in range(0, len(queries), _BATCH):
        check()
        rows += list(encoder.encode_queries(queries[start : start + _BATCH]))
    return rows


def _encoded(row: Any, encoding_format: str) -> str | list[float]:
    if encoding_format == "base64":
        return base64.b64encode(np.asarray(row, "<f4").tobytes()).decode()
    return [float(value) for value in row]
