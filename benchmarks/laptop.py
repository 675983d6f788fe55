"""Written answers on a laptop's processor: ``python -m benchmarks.laptop [--size 2b] [--json]``.

A GGUF of Qwen3-VL-2B's shape with random weights in the mix of Q4_K_M, through llama.cpp as the
profile `laptop` runs it: the short prompt read cold, read again with the prompt cache warm (another
question and other sources after the same rules), and with an image of a page. Then a checkpoint of
the same shape in bfloat16 through transformers, as many tokens read. Makes about 6 GB of files.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import torch

from benchmarks.gguf_made import make_language_part, make_vision_part
from benchmarks.qwen3_vl_made import SIZES, TextMaker, draw_page, make_sized_checkpoint
from kb.answer.chat.short_prompt import build_short_prompt
from kb.answer.chat.token_estimate import estimate_tokens
from kb.config.models import LlamaGeneratorConfig
from kb.index.assets import AssetStore
from kb.models.llama.process import LlamaProcess, n_threads
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query
from tests.made_gguf import CHAT_TEMPLATE

_N_WRITTEN = 32
_N_SOURCES = 4
_SOURCE_TOKENS = 100
_PAGE_PX = (768, 960)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one prompt.

    Attributes:
        n_read: Tokens that were computed, without those of the prompt cache.
        first_s: From the request to the first token.
    """

    what: str
    n_read: int
    read_per_s: float
    written_per_s: float
    first_s: float
    resident_bytes: int


def main() -> None:
    """Make the models, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--size", choices=("small", "2b"), default="2b")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = _llama(Path(folder), options.size)
        if not options.json:
            _show(found)  # the rest takes long
        published = _transformers(Path(folder), options.size, found[0].n_read)
    if options.json:
        print(json.dumps([asdict(one) for one in (*found, published)]))
    else:
        _show([published])


def _show(found: list[Figures]) -> None:
    for one in found:
        print(
            f"{one.what}: {one.n_read} tokens read at {one.read_per_s:.1f}/s, written at "
            f"{one.written_per_s:.2f}/s, first after {one.first_s:.2f} s, "
            f"{one.resident_bytes / 1e9:.2f} GB resident",
            flush=True,
        )


def _llama(folder: Path, size: str) -> list[Figures]:
    tiny = make_sized_checkpoint(folder / "tiny", SIZES["tiny"][0], torch.device("cpu"), "float32")
    dimensions = SIZES[size][0]
    model = make_language_part(folder / "model-Q4_K_M.gguf", dimensions, tiny, CHAT_TEMPLATE)
    make_vision_part(folder / "mmproj-Q8_0.gguf", dimensions)
    process = LlamaProcess(LlamaGeneratorConfig(model=str(model)), model)
    texts = TextMaker(tiny)
    found: list[Figures] = []
    try:
        start_s = time.perf_counter()
        with process.used():
            loaded_s = time.perf_counter() - start_s
        for what, picture in (("cold", None), ("warm", None), ("a page's image", _page())):
            found.append(_asked(process, _messages(texts, picture), f"llama.cpp, {what}"))
    finally:
        process.close()
    print(
        f"Qwen3-VL {size}: files of {process.size_bytes:,} bytes loaded in {loaded_s:.1f} s, "
        f"{n_threads()} threads of {psutil.cpu_count()} processors",
        file=sys.stderr,
    )
    return found


def _page() -> bytes:
    return draw_page(1, _PAGE_PX).data


def _messages(texts: TextMaker, picture: bytes | None) -> list[dict[str, Any]]:
    hits = []
    for number in range(_N_SOURCES):
        text = texts.text(_SOURCE_TOKENS)
        place = Locator(page=number + 1)
        chunk = Chunk(str(number), str(number), 0, Kind.PDF, Modality.TEXT, place, text)
        hits.append(Hit(chunk, "manual.pdf"))
    with tempfile.TemporaryDirectory() as assets:
        prompt = build_short_prompt(
            Query(texts.text(12)),
            hits,
            AssetStore(Path(assets)),
            max_tokens=3584,
            count_tokens=estimate_tokens,
            pictures=False,
        )
    content: Any = "".join(part for part in prompt.parts if isinstance(part, str))
    if picture is not None:
        url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        shown = {"type": "image_url", "image_url": {"url": url}}
        content = [shown, {"type": "text", "text": content}]
    return [{"role": "system", "content": prompt.system}, {"role": "user", "content": content}]


def _asked(process: LlamaProcess, messages: list[dict[str, Any]], what: str) -> Figures:
    body = {
        "messages": messages,
        "max_tokens": _N_WRITTEN,
        "temperature": 0,
        "stream": True,
        "ignore_eos": True,
        "timings_per_token": True,
        "return_progress": False,
    }
    start_s = time.perf_counter()
    first_s = 0.0
    timings: dict[str, Any] = {}
    with process.used() as endpoint:
        headers = {"Authorization": f"Bearer {endpoint.key}"}
        url = f"{endpoint.url}/v1/chat/completions"
        with (
            httpx.Client(trust_env=False, timeout=3600, headers=headers) as http,
            http.stream("POST", url, json=body) as response,
        ):
            response.raise_for_status()
            for line in response.iter_lines():
                data = line.removeprefix("data: ")
                if not data.startswith("{"):
                    continue
                event = json.loads(data)
                timings = event.get("timings") or timings
                if timings and not first_s:
                    first_s = time.perf_counter() - start_s
        assert process._process is not None
        resident = psutil.Process(process._process.pid).memory_info().rss
    return Figures(
        what,
        int(timings["prompt_n"]),
        float(timings["prompt_per_second"]),
        float(timings["predicted_per_second"]),
        first_s,
        resident,
    )


def _transformers(folder: Path, size: str, n_read: int) -> Figures:
    from transformers import Qwen3VLForConditionalGeneration

    place = make_sized_checkpoint(
        folder / "published", SIZES[size][0], torch.device("cpu"), "bfloat16"
    )
    torch.set_num_threads(n_threads())
    model = Qwen3VLForConditionalGeneration.from_pretrained(place, dtype=torch.bfloat16)
    ids = torch.randint(0, 400, (1, n_read))
    n_new = _N_WRITTEN // 4
    ends_s: list[float] = []

    def note(*_: Any, **__: Any) -> torch.Tensor:
        ends_s.append(time.perf_counter())
        return torch.tensor([False])

    start_s = time.perf_counter()
    with torch.no_grad():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n_new,
            min_new_tokens=n_new,
            do_sample=False,
            stopping_criteria=[note],
        )
    first_s = ends_s[0] - start_s
    written_per_s = (len(ends_s) - 1) / (ends_s[-1] - ends_s[0])
    resident = psutil.Process().memory_info().rss
    name = "transformers, bfloat16"
    return Figures(name, n_read, n_read / first_s, written_per_s, first_s, resident)


if __name__ == "__main__":
    main()
