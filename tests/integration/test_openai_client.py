"""OpenAI's own Python client, with the library as its model, over real HTTP."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from browser_parts import Server, running_server
from made_home import make_home
from PIL import Image

PROGRAM = {"X-KB-Request": "1"}
QUESTION = "How loud is the pump?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = make_home(tmp_path_factory.mktemp("openai"))
    Image.linear_gradient("L").convert("RGB").save(home / "library" / "gradient.png")
    with running_server(home) as started:
        status = {"n_files": 0}
        while status["n_files"] < 2 or status["counts"]["indexed"] < 2:  # type: ignore[index]
            status = httpx.get(f"{started.url}/api/v1/status").json()
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key="none", default_headers=PROGRAM, max_retries=0
    ) as client:
        yield client


def asked(*texts: str) -> list[Any]:
    """Messages: a question, an answer, a question."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def test_models_are_listed(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["kb", "kb-quotes", "kb-embeddings"]
    assert client.models.retrieve("kb").owned_by == "kb"
    with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
        client.models.retrieve("gpt")


@pytest.mark.parametrize("model", ["kb", "kb-quotes"])
def test_an_answer_cites_where_it_stands(client: openai.OpenAI, server: Server, model: str) -> None:
    system: Any = {"role": "system", "content": "Answer as a pirate."}
    completion = client.chat.completions.create(model=model, messages=[system, *asked(QUESTION)])
    message = completion.choices[0].message
    assert completion.choices[0].finish_reason == "stop"
    assert message.content is not None
    assert "40 decibels" in message.content
    (annotation,) = message.annotations or []
    cited = annotation.url_citation
    assert message.content[cited.start_index : cited.end_index] == "[1]"
    assert cited.title == "pump.md"
    assert cited.url.startswith(server.url)
    assert "40 decibels" in httpx.get(cited.url).text


def test_it_is_streamed(client: openai.OpenAI) -> None:
    said = ""
    annotations: list[Any] = []
    reasons = []
    for chunk in client.chat.completions.create(model="kb", messages=asked(QUESTION), stream=True):
        choice = chunk.choices[0]
        said += choice.delta.content or ""
        annotations += getattr(choice.delta, "annotations", None) or []
        reasons.append(choice.finish_reason)
    assert "40 decibels" in said
    assert reasons[-1] == "stop"
    assert set(reasons[:-1]) == {None}
    place = annotations[0]["url_citation"]
    assert said[place["start_index"] : place["end_index"]] == "[1]"


def test_a_question_goes_on_from_the_messages_before(client: openai.OpenAI) -> None:
    alone = client.chat.completions.create(model="kb", messages=asked("And how loud is it?"))
    assert "40 decibels" not in (alone.choices[0].message.content or "")
    messages = asked("How heavy is the pump?", "I don't know.", "And how loud is it?")
    follow_up = client.chat.completions.create(model="kb", messages=messages)
    assert "40 decibels" in (follow_up.choices[0].message.content or "")


def test_a_picture_is_looked_for(client: openai.OpenAI) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((200, 200)).save(buffer, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    messages: Any = [{"role": "user", "content": parts}]
    message = client.chat.completions.create(model="kb", messages=messages).choices[0].message
    assert [a.url_citation.title for a in message.annotations or []] == ["gradient.png"]
    parts[0]["image_url"] = {"url": "https://example.org/cat.png"}
    with pytest.raises(openai.BadRequestError, match="Nothing is loaded from elsewhere"):
        client.chat.completions.create(model="kb", messages=messages)


def test_texts_are_embedded(client: openai.OpenAI) -> None:
    texts = ["The pump hums.", "The pump is humming.", "An invoice for paper."]
    # The client asks for base64 unless it is told otherwise.
    packed = client.embeddings.create(model="kb-embeddings", input=texts)
    plain = client.embeddings.create(model="kb-embeddings", input=texts, encoding_format="float")
    rows = np.array([one.embedding for one in packed.data])
    np.testing.assert_allclose(rows, [one.embedding for one in plain.data], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        client.embeddings.create(model="kb-embeddings", input="a", dimensions=7)
    with pytest.raises(openai.BadRequestError, match="holds nothing"):
        client.embeddings.create(model="kb-embeddings", input=" ")


def test_mistakes_are_told_as_the_client_reads_them(client: openai.OpenAI, server: Server) -> None:
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-5'"):
        client.chat.completions.create(model="gpt-5", messages=asked(QUESTION))
    with pytest.raises(openai.BadRequestError, match="last message"):
        client.chat.completions.create(model="kb", messages=asked(QUESTION, "Loud."))
    with pytest.raises(openai.APIStatusError, match="over the limit of 8,000"):
        client.chat.completions.create(model="kb", messages=asked("x" * 9000))
    with pytest.raises(openai.UnprocessableEntityError, match="messages"):
        client.chat.completions.create(model="kb", messages=[])
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as anybody:
        assert anybody.models.list().data
        with pytest.raises(openai.PermissionDeniedError, match="X-KB-Request"):
            anybody.chat.completions.create(model="kb", messages=asked(QUESTION))
    foreign = {"Origin": "http://evil.example"}
    refused = httpx.get(f"{server.url}/v1/models", headers=foreign)
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == "Requests from other sites are refused."


BODIES = [
    b"",
    b"null",
    b"[" * 100_000,
    b'{"model": "kb", "messages": [{"role": "user", "content": null}]}',
    b'{"model": "kb", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
    b'{"model": "kb", "messages": [{"role": "\\u0000", "content": "a"}], "n": 2}',
    b'{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}',
    b'{"model": "kb-embeddings", "input": [[1, 2]]}',
    b'{"model": "kb-embeddings", "input": []}',
    b'{"model": "kb-embeddings", "input": "a", "dimensions": 1e999}',
]


@pytest.mark.parametrize("path", ["chat/completions", "embeddings"])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_nothing_that_is_sent_is_a_bug(server: Server, path: str, body: bytes) -> None:
    headers = PROGRAM | {"Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/{path}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]
    assert "unexpected error" not in answer.text
    assert Path(server.library, "pump.md").exists()
