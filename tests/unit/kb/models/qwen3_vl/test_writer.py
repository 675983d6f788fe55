"""Against transformers' own greedy search, token by token."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from kb.content import Picture
from kb.device.loading import load_module
from kb.device.scheduler import DeviceScheduler
from kb.errors import InferenceError
from kb.models.qwen3_vl.model import PackedModel
from kb.models.qwen3_vl.normalisation import read_normalisation
from kb.models.qwen3_vl.prompts import PICTURE_MARK, chat_prompt
from kb.models.qwen3_vl.sequence import PromptTokenizer
from kb.models.qwen3_vl.writer import Writer
from kb.pixels import PixelBudget, read_picture
from kb.types import EncodedImage

CPU = torch.device("cpu")
N_NEW = 40


def picture(width_px: int, height_px: int) -> Picture:
    noise = np.random.default_rng(width_px).integers(0, 255, (height_px, width_px, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return Picture.of(EncodedImage(buffer.getvalue(), "image/png", width_px, height_px))


PROMPTS: dict[str, list[str | Picture]] = {
    "words": ["How do I reset the device?"],
    "one word": ["?"],
    "a picture": [picture(96, 64), "What is this?"],
    "pictures between words": ["Before ", picture(64, 96), " between ", picture(128, 64), "。"],
}


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen3_vl: Path) -> PromptTokenizer:
    return PromptTokenizer(tiny_qwen3_vl, PixelBudget(), 8192)


@pytest.fixture(scope="module")
def writer(tiny_qwen3_vl: Path) -> Writer:
    module = load_module(tiny_qwen3_vl, CPU, "language", "float32")
    model = PackedModel(module.model, read_normalisation(tiny_qwen3_vl), 4096)
    return Writer(model, module.lm_head.weight.detach(), frozenset())


@pytest.fixture(scope="module")
def published(tiny_qwen3_vl: Path) -> tuple[Any, Any]:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(str(tiny_qwen3_vl), local_files_only=True)
    return processor, load_module(tiny_qwen3_vl, CPU, "language", "float32")


def expected(published: tuple[Any, Any], parts: list[str | Picture]) -> list[int]:
    processor, module = published
    shown, images = [], []
    for part in parts:
        if isinstance(part, Picture):
            grid = PixelBudget().picture(part.width_px, part.height_px)
            images.append(Image.fromarray(read_picture(part, grid)[0]))
        shown.append(PICTURE_MARK if isinstance(part, Picture) else part)
    text = chat_prompt("Answer.", "".join(shown))
    inputs = processor(text=[text], images=images or None, do_resize=False, return_tensors="pt")
    module.generation_config.eos_token_id = None
    (ids,) = module.generate(**inputs, max_new_tokens=N_NEW, do_sample=False)
    return ids[inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", PROMPTS)
def test_writes_what_the_published_code_writes(
    name: str, writer: Writer, tokenizer: PromptTokenizer, published: tuple[Any, Any]
) -> None:
    parts = PROMPTS[name]
    found = list(writer.write(tokenizer.chat("Answer.", parts), N_NEW, DeviceScheduler()))
    assert found == expected(published, parts)
    assert len(set(found)) > 3


def test_the_token_that_ends_a_text_is_the_last(writer: Writer, tokenizer: PromptTokenizer) -> None:
    prompt = tokenizer.chat("Answer.", PROMPTS["words"])
    whole = list(writer.write(prompt, N_NEW, DeviceScheduler()))
    for end in (whole[0], whole[N_NEW // 2]):
        ending = Writer(writer._model, writer._head, frozenset({end, 10**6}))
        found = list(ending.write(prompt, N_NEW, DeviceScheduler()))
        assert found == whole[: whole.index(end) + 1]


def test_no_more_than_is_asked_for(writer: Writer, tokenizer: PromptTokenizer) -> None:
    prompt = tokenizer.chat("Answer.", PROMPTS["words"])
    for n in (1, 2, 5):
        assert len(list(writer.write(prompt, n, DeviceScheduler()))) == n


def test_a_picture_that_can_not_be_read(writer: Writer, tokenizer: PromptTokenizer) -> None:
    broken = Picture(64, 64, lambda: b"no picture")
    with pytest.raises(InferenceError):
        next(writer.write(tokenizer.chat("Answer.", [broken]), 3, DeviceScheduler()))


def test_between_two_tokens_the_device_is_free(writer: Writer, tokenizer: PromptTokenizer) -> None:
    scheduler = DeviceScheduler()
    for _ in writer.write(tokenizer.chat("Answer.", PROMPTS["words"]), 3, scheduler):
        with scheduler.turn(is_query=True):
            pass


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recorded_pass_writes_what_an_eager_one_writes(
    tiny_qwen3_vl: Path, tokenizer: PromptTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.models.qwen3_vl.decoder import Decoder

    module = load_module(tiny_qwen3_vl, torch.device("cuda"), "language", "bfloat16")
    head = module.lm_head.weight.detach()
    model = PackedModel(module.model, read_normalisation(tiny_qwen3_vl), 4096)
    prompt = tokenizer.chat("Answer.", PROMPTS["pictures between words"])
    recorded = list(Writer(model, head, frozenset()).write(prompt, N_NEW, DeviceScheduler()))
    assert model.decoder.can_record
    monkeypatch.setattr(Decoder, "can_record", False)
    assert (
        list(Writer(model, head, frozenset()).write(prompt, N_NEW, DeviceScheduler())) == recorded
    )
