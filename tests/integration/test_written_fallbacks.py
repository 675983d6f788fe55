"""Where a model fails at an answer the quotes stay, and the reason is told with the next step:
with models in GGUF that do one thing alone, by themselves and behind stand-ins for servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llama_stand_in import LlamaStandIn
from made_gguf import write_text_part
from made_home import pump_service

from kb import use_generator
from kb.config.loading import load_generator
from kb.config.models import LlamaGeneratorConfig
from kb.config.named import served_generator
from kb.models.llama.process import LlamaProcess
from kb.models.remote.servers import FoundModel, find_servers
from kb.types import Answer, AnswerStatus, Query
from ui.service.service import Service

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install '.[laptop]'")

QUESTION = Query("How loud is the pump?")
QUOTE = "The pump hums at 40 decibels. [1]"
SERVERS = ("ollama", "lmstudio")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pump_service(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture(scope="module")
def babbler(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says one word for ever."""
    path = tmp_path_factory.mktemp("gguf") / "babbler.gguf"
    return write_text_part(tiny_qwen3_vl, path, says="seconds")


@pytest.fixture(scope="module")
def mute(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ends before the first word."""
    path = tmp_path_factory.mktemp("gguf") / "mute.gguf"
    return write_text_part(tiny_qwen3_vl, path, says="<|im_end|>")


@contextmanager
def process(path: Path) -> Iterator[LlamaProcess]:
    one = LlamaProcess(LlamaGeneratorConfig(model=str(path), threads=1), path)
    try:
        yield one
    finally:
        one.close()


def answer(service: Service, section: dict[str, object]) -> Answer:
    """What is answered in the end, with quotes before it."""
    use_generator(service.kb, load_generator(section))
    try:
        draft, *_, last = service.kb.ask(QUESTION)
    finally:
        use_generator(service.kb, load_generator("quotes"))
    assert isinstance(draft, Answer)
    assert (draft.text, draft.is_draft) == (QUOTE, True)
    assert isinstance(last, Answer)
    return last


def behind(
    stand_in: LlamaStandIn, after_piece: Callable[[int], None] = lambda _: None, **more: object
) -> dict[str, object]:
    stand_in.after_piece = after_piece
    section = served_generator(f"{stand_in.url}/v1", stand_in.model, None, is_near=True)
    return {**section, **more}


def assert_quoted(answer: Answer, reason: str, next_step: str) -> None:
    assert answer.text == QUOTE
    assert answer.status is AnswerStatus.ANSWERED
    assert not answer.is_draft
    assert reason in answer.note
    assert next_step in answer.note


@pytest.mark.parametrize("key", SERVERS)
class TestBehindAServer:
    def test_it_is_listed(self, key: str, babbler: Path) -> None:
        with process(babbler) as llama, LlamaStandIn(key, llama) as stand_in:
            [found] = find_servers([stand_in.server])
        assert found.models == (FoundModel(f"{key}/{stand_in.model}", False, 4096),)

    def test_the_server_dies_in_the_middle(self, key: str, service: Service, babbler: Path) -> None:
        with process(babbler) as llama, LlamaStandIn(key, llama) as stand_in:

            def kill(n: int) -> None:
                if n == 6:
                    assert llama._process is not None
                    llama._process.kill()
                if n > 6:
                    raise OSError

            last = answer(service, behind(stand_in, kill))
        assert_quoted(last, "The answer broke off", "See its log, then ask again")

    def test_it_loops(self, key: str, service: Service, babbler: Path) -> None:
        with process(babbler) as llama, LlamaStandIn(key, llama) as stand_in:
            last = answer(service, behind(stand_in))
        assert_quoted(last, "repeats itself", "choose a larger model")

    def test_it_returns_nothing(self, key: str, service: Service, mute: Path) -> None:
        with process(mute) as llama, LlamaStandIn(key, llama) as stand_in:
            last = answer(service, behind(stand_in))
        assert_quoted(last, "ended before the first word", "then ask again")

    def test_it_takes_too_long(self, key: str, service: Service, babbler: Path) -> None:
        with process(babbler) as llama, LlamaStandIn(key, llama) as stand_in:
            section = behind(stand_in, lambda _: time.sleep(0.2), answer_limit_s=0.5)
            last = answer(service, section)
        assert_quoted(last, "had not ended its answer after 0.5 s", "Choose a smaller model")


class TestWithoutAServer:
    def test_it_loops(self, service: Service, babbler: Path) -> None:
        last = answer(service, {"kind": "llama", "model": str(babbler), "threads": 1})
        assert_quoted(last, "repeats itself", "choose a larger model")

    def test_it_returns_nothing(self, service: Service, mute: Path) -> None:
        last = answer(service, {"kind": "llama", "model": str(mute), "threads": 1})
        assert_quoted(last, "ended before the first word", "ask again")

    def test_it_takes_too_long(self, service: Service, babbler: Path) -> None:
        section = {"kind": "llama", "model": str(babbler), "threads": 1, "answer_limit_s": 0.001}
        assert_quoted(answer(service, section), "after 0.001 s", "Choose a smaller model")

    def test_the_file_is_gone(self, service: Service, babbler: Path, tmp_path: Path) -> None:
        copy = tmp_path / "model.gguf"
        copy.write_bytes(babbler.read_bytes())
        use_generator(service.kb, load_generator({"kind": "llama", "model": str(copy)}))
        copy.unlink()
        try:
            last = service.kb.answer(QUESTION)
        finally:
            use_generator(service.kb, load_generator("quotes"))
        assert_quoted(last, "can't write answers", "Pull it again")
