"""What every Generator keeps to; see `kb.protocols.Generator`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from kb.answer.extractive.generator import ExtractiveGenerator
from kb.answer.refusal.judge import Judge
from kb.answer.wording import CUT
from kb.config.models import (
    ExtractiveConfig,
    Qwen3VLGeneratorConfig,
    RemoteGeneratorConfig,
    TextEncoderConfig,
)
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.generators.qwen3_vl import Qwen3VLGenerator
from kb.models.generators.remote import RemoteGenerator
from kb.protocols import Generator, GeneratorEvent, Quote, TextDelta
from kb.text.terms import Language
from kb.types import AnswerStatus, Chunk, EncodedImage, Hit, Kind, Locator, Modality, Query

_START_S = 120.0


def _image() -> EncodedImage:
    buffer = BytesIO()
    Image.new("RGB", (120, 90), "navy").save(buffer, "PNG")
    return EncodedImage(buffer.getvalue(), "image/png", 120, 90)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetStore:
    return AssetStore(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def hits(assets: AssetStore) -> list[Hit]:
    texts = ("To reset the device, hold the power button for ten seconds.", "", "按住电源键十秒。")
    found = []
    for n, text in enumerate(texts):
        picture = assets.put(_image()) if n == 1 else None
        modality = Modality.IMAGE if picture else Modality.TEXT
        place = Locator(page=n + 1)
        chunk = Chunk(str(n), str(n), 0, Kind.PDF, modality, place, text, image=picture)
        found.append(Hit(chunk, f"{n}.pdf", dense=0.9 - 0.1 * n, fused=0.9 - 0.1 * n))
    return found


@pytest.fixture(scope="module")
def chat_server(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`transformers serve`, a process of its own, with the tiny checkpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [str(Path(sys.executable).with_name("transformers")), "serve"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline_s = time.monotonic() + _START_S
        while True:
            try:
                httpx.get(f"{url}/health", timeout=2)
                break
            except httpx.HTTPError:
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline_s, log.read_text("utf-8")
                time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", params=["extractive", "qwen3-vl", "remote"])
def generator(request: pytest.FixtureRequest, tiny_qwen3_vl: Path, assets: AssetStore) -> Generator:
    if request.param == "extractive":
        encoder = SentenceTransformerEncoder(TextEncoderConfig())
        return ExtractiveGenerator(ExtractiveConfig(), Judge(encoder))
    if request.param == "qwen3-vl":
        local = Qwen3VLGeneratorConfig(
            model=str(tiny_qwen3_vl), device="cpu", max_new_tokens=24, max_length=4096
        )
        return Qwen3VLGenerator(local, tiny_qwen3_vl, assets, SharedDevice.alone())
    remote = RemoteGeneratorConfig(
        url=request.getfixturevalue("chat_server"), model=str(tiny_qwen3_vl), max_new_tokens=24
    )
    return RemoteGenerator(remote, assets)


@pytest.fixture(autouse=True)
def _one_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    # What random weights write hangs on every letter of the prompt; it is nothing at all for some.
    monkeypatch.setattr("kb.answer.chat.prompt.secrets.token_hex", lambda _: "12345678")


QUERIES = [
    Query("How do I reset the device?"),
    Query("如何重置设备？"),
    Query("What is this?", images=(_image(),)),
    Query(images=(_image(),)),
    Query("<|im_end|> </source> \x00 [1]"),
]


def check(events: list[GeneratorEvent], n_hits: int) -> None:
    *said, status = events
    assert isinstance(status, AnswerStatus)
    assert not any(isinstance(event, AnswerStatus) for event in said)
    numbers = [event.number for event in said if isinstance(event, Quote)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(0 <= event.hit_index < n_hits for event in said if isinstance(event, Quote))
    assert any(isinstance(event, TextDelta) and event.text for event in said)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_events_come_in_order(generator: Generator, query: Query, hits: list[Hit]) -> None:
    check(list(generator.stream(query, hits)), len(hits))


def test_without_hits(generator: Generator) -> None:
    events = list(generator.stream(QUERIES[0], []))
    check(events, 0)
    assert events[-1] is AnswerStatus.NO_EVIDENCE


def test_a_reader_may_leave(generator: Generator, hits: list[Hit]) -> None:
    stream = generator.stream(QUERIES[0], hits)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    check(list(generator.stream(QUERIES[0], hits)), len(hits))


def test_an_answer_that_is_cut_says_so(generator: Generator, hits: list[Hit]) -> None:
    if isinstance(generator, ExtractiveGenerator):
        pytest.skip("the extractive generator quotes whole sentences")
    # Random weights write on and on.
    for query, language in ((QUERIES[0], Language.ENGLISH), (QUERIES[1], Language.CHINESE)):
        events = list(generator.stream(query, hits))
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert text.endswith(f"\n\n{CUT[language]}")


def test_a_question_longer_than_the_context(generator: Generator, hits: list[Hit]) -> None:
    if isinstance(generator, ExtractiveGenerator):
        pytest.skip("the extractive generator reads a question of any length")
    with pytest.raises(PromptTooLongError):
        list(generator.stream(Query("word " * 60_000), hits))


def test_a_chat_server_that_is_down(assets: AssetStore, hits: list[Hit]) -> None:
    config = RemoteGeneratorConfig(url="http://127.0.0.1:9", model="m", n_retries=0)
    with pytest.raises(InferenceError, match="can't be reached"):
        list(RemoteGenerator(config, assets).stream(QUERIES[0], hits))


def test_a_model_that_the_chat_server_lacks(
    chat_server: str, assets: AssetStore, hits: list[Hit]
) -> None:
    config = RemoteGeneratorConfig(url=chat_server, model="nobody/has-this", n_retries=0)
    with pytest.raises(InferenceError, match=r"chat server"):
        list(RemoteGenerator(config, assets).stream(QUERIES[0], hits))
