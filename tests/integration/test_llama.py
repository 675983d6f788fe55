"""Answers through llama.cpp: against transformers, with a real small model, and with files and
machines that it can't use."""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from made_gguf import real_gguf, write_text_part, write_vision_part

from kb.config.models import LlamaGeneratorConfig
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.hub.gguf import find_gguf, read_gguf
from kb.index.assets import AssetStore
from kb.models.generators.llama import LlamaGenerator
from kb.models.llama.process import LlamaProcess, n_threads
from kb.protocols import TextDelta
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install '.[laptop]'")

PROMPT = "Hold the power button for ten seconds to reset the device."


@pytest.fixture(scope="module")
def tiny(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_part(tiny_qwen3_vl, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_gguf(tmp_path_factory.mktemp("real"))


def process(path: Path, **settings: object) -> LlamaProcess:
    config = LlamaGeneratorConfig.model_validate({"model": str(path), "threads": 1, **settings})
    return LlamaProcess(config, path)


@pytest.fixture(scope="module")
def running(tiny: Path) -> Iterator[LlamaProcess]:
    one = process(tiny)
    yield one
    one.close()


def post(one: LlamaProcess, path: str, **body: object) -> httpx.Response:
    with one.used() as endpoint:
        return httpx.post(
            f"{endpoint.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {endpoint.key}"},
            timeout=120,
            trust_env=False,
        )


@pytest.mark.parametrize(
    "text", [PROMPT, "如何重置设备？长按电源键十秒。", "<|im_start|>user\nyes<|im_end|>\n", "a"]
)
def test_greedy_tokens_are_those_of_transformers(
    running: LlamaProcess, tiny_qwen3_vl: Path, text: str
) -> None:
    import torch
    from tokenizers import Tokenizer
    from transformers import Qwen3VLForConditionalGeneration

    ids = Tokenizer.from_file(str(tiny_qwen3_vl / "tokenizer.json")).encode(text).ids
    model = Qwen3VLForConditionalGeneration.from_pretrained(tiny_qwen3_vl, dtype=torch.float32)
    with torch.no_grad():
        expected = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=24,
            do_sample=False,
        )[0, len(ids) :].tolist()
    assert post(running, "/tokenize", content=text, parse_special=True).json()["tokens"] == ids
    answer = post(
        running, "/completion", prompt=ids, n_predict=24, temperature=0, return_tokens=True
    ).json()
    tokens = answer["tokens"]
    # It leaves out the token that ends.
    assert tokens == expected[: len(tokens)]
    assert len(tokens) >= min(len(expected), 24) - 1


@pytest.fixture(scope="module")
def seeing(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaProcess]:
    """With its vision part."""
    folder = tmp_path_factory.mktemp("seeing")
    write_vision_part(tiny_qwen3_vl, folder / "mmproj-tiny.gguf")
    one = process(write_text_part(tiny_qwen3_vl, folder / "tiny.gguf", sees=True))
    assert one.vision is not None
    yield one
    one.close()


@pytest.mark.parametrize("size_px", [(128, 96), (96, 160)])
def test_a_picture_is_seen_as_transformers_sees_it(
    seeing: LlamaProcess, tiny_qwen3_vl: Path, size_px: tuple[int, int]
) -> None:
    """Of a picture that neither resizes: greedy tokens are equal, and the first one's logarithmic
    probabilities differ by less than .01 (.0017 measured): llama.cpp keeps keys and values in 16
    bits, and computes in another order."""
    import numpy as np
    import torch
    from PIL import Image
    from tokenizers import Tokenizer
    from transformers import AutoImageProcessor, Qwen3VLForConditionalGeneration

    width, height = size_px
    red = np.tile(np.linspace(0, 255, width), (height, 1))
    green = np.tile(np.linspace(255, 0, height)[:, None], (1, width))
    picture = Image.fromarray(np.stack([red, green, 0 * red + 90], -1).astype(np.uint8))
    file = io.BytesIO()
    picture.save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": PROMPT}]
    answer = post(
        seeing,
        "/v1/chat/completions",
        messages=[{"role": "user", "content": content}],
        max_tokens=12,
        temperature=0,
        logprobs=True,
        top_logprobs=5,
    ).json()
    told = answer["choices"][0]["logprobs"]["content"]

    tokenizer = Tokenizer.from_file(str(tiny_qwen3_vl / "tokenizer.json"))
    seen = AutoImageProcessor.from_pretrained(tiny_qwen3_vl)(images=[picture], return_tensors="pt")
    pads = "<|image_pad|>" * (width // 32 * height // 32)
    text = (
        f"<|im_start|>user\n<|vision_start|>{pads}<|vision_end|>{PROMPT}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    ids = torch.tensor([tokenizer.encode(text).ids])
    assert answer["usage"]["prompt_tokens"] == ids.shape[1]
    inputs = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == tokenizer.token_to_id("<|image_pad|>")).long(),
        **seen,
    }
    model = Qwen3VLForConditionalGeneration.from_pretrained(tiny_qwen3_vl, dtype=torch.float32)
    with torch.no_grad():
        expected = model(**inputs).logits[0, -1].log_softmax(-1)
        tokens = model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    assert answer["usage"]["completion_tokens"] == len(tokens)
    # It tells of no token that is a part of a character.
    remaining = iter(tokens.tolist())
    assert all(one["id"] in remaining for one in told)
    assert len(told) > len(tokens) // 2
    for one in told[0]["top_logprobs"]:
        assert one["logprob"] == pytest.approx(float(expected[one["id"]]), abs=0.01)


def test_only_who_has_the_key_is_answered(running: LlamaProcess) -> None:
    with running.used() as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        response = httpx.post(f"{endpoint.url}/v1/chat/completions", json={}, trust_env=False)
    assert response.status_code == 401


class TestRealWords:
    TEXT = (
        "The pump hums at 40 decibels [1]. The pump hums at 40 decibels [1]. "
        "To reset the pump, hold the red button for ten seconds [1]."
    )

    def generator(self, real: Path, tmp_path: Path, **settings: object) -> LlamaGenerator:
        config = LlamaGeneratorConfig.model_validate(
            {"model": str(real), "max_new_tokens": 64, "threads": 1, **settings}
        )
        return LlamaGenerator(config, real, AssetStore(tmp_path))

    def hits(self) -> list[Hit]:
        place = Locator(page=1)
        chunk = Chunk("1", "d", 0, Kind.PDF, Modality.TEXT, place, self.TEXT)
        return [Hit(chunk, "manual.pdf")]

    def test_an_answer_streams(self, real: Path, tmp_path: Path) -> None:
        generator = self.generator(real, tmp_path)
        try:
            events = []
            try:
                events.extend(generator.stream(Query("How loud is the pump?"), self.hits()))
            except InferenceError as error:
                # A base model may go round in a circle, and is stopped then.
                assert "repeats itself" in str(error)  # noqa: PT017
            said = "".join(event.text for event in events if isinstance(event, TextDelta))
            assert any(word in said.casefold() for word in ("pump", "decibel", "source", "40"))
        finally:
            generator.process.close()

    def test_a_reader_may_leave_and_another_come(self, real: Path, tmp_path: Path) -> None:
        generator = self.generator(real, tmp_path)
        try:
            for _ in range(2):
                stream = generator.stream(Query("How loud is the pump?"), self.hits())
                assert isinstance(next(stream), TextDelta)
                stream.close()  # type: ignore[attr-defined]
            assert generator.process.is_loaded
        finally:
            generator.process.close()
        assert not generator.process.is_loaded

    def test_a_question_longer_than_the_context(self, real: Path, tmp_path: Path) -> None:
        generator = self.generator(real, tmp_path, max_length=1024)
        with pytest.raises(PromptTooLongError, match="Ask with fewer words"):
            list(generator.stream(Query("How loud is the pump? " * 400), self.hits()))
        generator.process.close()


class TestMemory:
    def test_it_leaves_when_nobody_asks(self, tiny: Path) -> None:
        one = process(tiny, idle_s=1)
        with one.used():
            time.sleep(1.5)
            assert one.is_loaded
        deadline_s = time.monotonic() + 20
        while one.is_loaded and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert not one.is_loaded
        with one.used():
            assert one.is_loaded
        one.close()

    def test_it_ends_with_whoever_started_it(self, tiny: Path) -> None:
        code = (
            "import os, sys\n"
            "from pathlib import Path\n"
            "from kb.config.models import LlamaGeneratorConfig\n"
            "from kb.models.llama.process import LlamaProcess\n"
            "path = Path(sys.argv[1])\n"
            "one = LlamaProcess(LlamaGeneratorConfig(model=str(path), threads=1), path)\n"
            "with one.used():\n"
            "    print(one._process.pid, flush=True)\n"
            "    os._exit(1)\n"
        )
        command = [sys.executable, "-c", code, str(tiny)]
        pid = int(subprocess.run(command, capture_output=True, text=True, timeout=120).stdout)
        deadline_s = time.monotonic() + 20
        while psutil.pid_exists(pid) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"

    def test_too_little_of_it(self, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one = process(tiny)
        free = psutil.virtual_memory()._replace(available=one.n_bytes_needed - 1)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        with (
            pytest.raises(ModelLoadError, match=r"needs about .* of memory, and .* are free"),
            one.used(),
        ):
            pass
        assert not one.is_loaded

    def test_a_process_that_dies_says_what_to_do(self, tiny: Path) -> None:
        one = process(tiny)

        def break_off() -> None:
            with one.used():
                assert one._process is not None
                one._process.kill()
                raise InferenceError("The connection broke.", model_id="m")

        with pytest.raises(InferenceError, match=r"ended \(exit code .*memory ran short"):
            break_off()
        with one.used() as endpoint:
            assert httpx.get(f"{endpoint.url}/health", trust_env=False).status_code == 200
        one.close()

    def test_two_at_once_share_one(self, tiny: Path) -> None:
        one = process(tiny)
        seen: list[str] = []

        def ask() -> None:
            with one.used() as endpoint:
                seen.append(endpoint.url)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one.close()
        assert len(seen) == 3
        assert len(set(seen)) == 1

    def test_threads_are_no_more_than_cores(self) -> None:
        assert 1 <= n_threads() <= (os.cpu_count() or 1)


class TestBadFiles:
    @pytest.mark.parametrize("n_bytes", [0, 3, 20, 2000, -100, -4])
    def test_a_truncated_one_is_told_before_it_is_loaded(
        self, tiny: Path, tmp_path: Path, n_bytes: int
    ) -> None:
        path = tmp_path / "cut.gguf"
        path.write_bytes(tiny.read_bytes()[:n_bytes])
        with pytest.raises(ModelLoadError, match=r"cut\.gguf can't be used: .*Get it again"):
            process(path)

    @pytest.mark.parametrize(
        "data",
        [
            b"hello " * 100,
            b"GGUF" + struct.pack("<I", 1) + bytes(100),
            b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60) + bytes(100),
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62) + bytes(100),
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<I", 99) + bytes(9),
        ],
    )
    def test_another_file(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        with pytest.raises(ModelLoadError, match="can't be used"):
            read_gguf(path)

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(ModelLoadError, match="kb models pull laptop"):
            find_gguf(tmp_path)
        with pytest.raises(ModelLoadError, match="can't be read"):
            read_gguf(tmp_path / "none.gguf")

    def test_the_vision_part_lies_beside_it(self, tiny: Path, tmp_path: Path) -> None:
        for name in ("mmproj-a-Q8_0.gguf", "a-Q4_K_M.gguf"):
            (tmp_path / name).write_bytes(tiny.read_bytes())
        assert find_gguf(tmp_path) == (
            tmp_path / "a-Q4_K_M.gguf",
            tmp_path / "mmproj-a-Q8_0.gguf",
        )

    def test_an_unknown_architecture(self, tiny_qwen3_vl: Path, tmp_path: Path) -> None:
        path = write_text_part(tiny_qwen3_vl, tmp_path / "new.gguf", architecture="qwen9vl")
        one = process(path)
        with (
            pytest.raises(ModelLoadError, match=r"does not know its architecture 'qwen9vl'"),
            one.used(),
        ):
            pass

    def test_a_damaged_one(self, tiny: Path, tmp_path: Path) -> None:
        path = tmp_path / "damaged.gguf"
        data = tiny.read_bytes().replace(b"blk.0.attn_q.weight", b"blk.0.attn_x.weight")
        path.write_bytes(data)
        with (
            pytest.raises(
                ModelLoadError, match=r"can't load it: .*'blk\.0\.attn_q\.weight' not found\. Pull"
            ),
            process(path).used(),
        ):
            pass

    def test_without_llama_cpp(self, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kb.models.llama.process.find_spec", lambda _: None)
        with (
            pytest.raises(ModelLoadError, match=r"pip install xllamacpp.*kb models servers"),
            process(tiny).used(),
        ):
            pass

    @pytest.mark.skipif(os.name == "nt", reason="signals end processes elsewhere")
    def test_a_processor_without_its_instructions(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stands_in = tmp_path / "python"
        stands_in.write_text("#!/bin/sh\nread line\nkill -ILL $$\n")
        stands_in.chmod(0o755)
        monkeypatch.setattr("kb.models.llama.process.sys.executable", str(stands_in))
        with pytest.raises(ModelLoadError, match=r"AVX2.*kb models servers"), process(tiny).used():
            pass


def test_what_a_header_tells(tiny: Path) -> None:
    header = read_gguf(tiny)
    assert header.architecture == "qwen3vl"
    assert header.size_bytes == tiny.stat().st_size
    # 4 layers of 2 heads with keys and values of 16 numbers, in 16 bits.
    assert header.cache_bytes(1000) == 2 * 1000 * 4 * 2 * 32
    assert json.dumps(dict(header.values))
