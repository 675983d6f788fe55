"""The steps of `benchmarks.gpu_product`, each of which prints its figures."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml

from benchmarks.qwen3_vl_made import TextMaker, draw_page
from benchmarks.qwen3_vl_ours import Ours
from kb.config import Home
from kb.config.loading import load_config
from kb.device.cache import ModelCache
from kb.device.placement import SharedDevice
from kb.device.scheduler import DeviceScheduler
from kb.protocols import TextDelta
from kb.types import Query
from ui.service.service import Service

__all__ = ["ask_and_index", "run_short_of_memory", "take_turns"]

_N_QUESTIONS = 12
_N_NEW_TOKENS = 128
_PAGE_PX = (1024, 1280)
_BETWEEN_S = 0.1


def ask_and_index(
    root: Path, checkpoint: Path, device: torch.device, precision: str, n_texts: int, n_pages: int
) -> None:
    """A whole sync; questions alone and beside a second sync."""
    home = Home(root / "home")
    home.library.mkdir(parents=True)
    model = {
        "kind": "qwen3-vl",
        "model": str(checkpoint),
        "device": device.type,
        "precision": precision,
    }
    home.config.write_text(
        yaml.safe_dump(
            {
                "profile": "starter",
                "ingest": {"ocr": {"enabled": False}, "roots": []},
                "encoder": model,
                "reranker": model,
                "generator": {**model, "max_new_tokens": _N_NEW_TOKENS},
            }
        ),
        "utf-8",
    )
    maker = TextMaker(checkpoint)

    def add(batch: int) -> None:
        for n in range(n_texts):
            (home.library / f"{batch}-{n}.txt").write_text(maker.text(480), "utf-8")
        for n in range(n_pages):
            page = draw_page(batch * n_pages + n, _PAGE_PX)
            (home.library / f"{batch}-{n}.jpg").write_bytes(page.data)

    add(0)
    service = Service(home, load_config(home))
    try:
        service.kb.search(Query("warm"))  # models are loaded, kernels compiled
        seconds, report = _timed(service.sync)
        _say(f"sync of {n_texts} texts of 480 tokens and {n_pages} pages, s", seconds)
        _say("files/s", len(report.files) / seconds)
        questions = [Query(maker.text(16)) for _ in range(_N_QUESTIONS)]
        service.kb.search(questions[0])
        alone_s = [_timed(lambda q=q: service.kb.search(q))[0] for q in questions]
        _say("search with 100 judged, alone, median s", statistics.median(alone_s))
        for place, which in enumerate(("first", "second")):
            # Words alone would be judged by words, and made ones answer nothing.
            picture = draw_page(-1 - place, _PAGE_PX)
            _tell_answer(service, Query(questions[place].text, images=(picture,)), which)
        add(1)
        syncing = threading.Thread(target=service.sync)
        beside_s: list[float] = []
        started = time.perf_counter()
        syncing.start()
        while syncing.is_alive():
            question = questions[len(beside_s) % _N_QUESTIONS]
            beside_s.append(_timed(lambda q=question: service.kb.search(q))[0])
            time.sleep(_BETWEEN_S)
        syncing.join()
        _say("second sync, asked all the while, s", time.perf_counter() - started)
        _say("questions meanwhile", len(beside_s))
        _say("search meanwhile, median s", statistics.median(beside_s))
        _say("search meanwhile, slowest s", max(beside_s))
        if device.type == "cuda":
            _say("peak memory, three models, GB", torch.cuda.max_memory_allocated() / 1e9)
    finally:
        service.close()


def run_short_of_memory(
    root: Path,
    checkpoint: Path,
    device: torch.device,
    precision: Literal["float32", "bfloat16"],
    n_pages: int,
) -> None:
    """Encode pages where the process may have a gigabyte beside the weights."""
    ours = Ours(root / "short", checkpoint, device, precision)
    chunks = ours.chunks([draw_page(n, _PAGE_PX) for n in range(n_pages)])
    whole_s, whole = _timed(lambda: ours.encoder.encode_chunks(chunks))
    torch.cuda.empty_cache()
    total_bytes = torch.cuda.get_device_properties(device).total_memory
    allowed_bytes = torch.cuda.memory_reserved() + 1_000_000_000
    torch.cuda.set_per_process_memory_fraction(allowed_bytes / total_bytes)
    try:
        short_s, short = _timed(lambda: ours.encoder.encode_chunks(chunks))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    _say(f"{n_pages} pages with all memory, s", whole_s)
    _say("the same with 1 GB beside the weights, s", short_s)
    _say("1 - least cosine between the two", float(1 - (whole * short).sum(axis=1).min()))


def take_turns(
    root: Path,
    checkpoint: Path,
    device: torch.device,
    precision: Literal["float32", "bfloat16"],
) -> None:
    """Encoder and reranker in turns where one has room: each call swaps."""
    n_bytes = sum(path.stat().st_size for path in checkpoint.glob("*.safetensors"))
    shared = SharedDevice(DeviceScheduler(), ModelCache(n_bytes * 3 // 2))
    ours = Ours(root / "turns", checkpoint, device, precision, shared)
    query = ours.query("how long does the lamp blink")
    hits = ours.hits(["the lamp blinks", "the device keeps its settings"])
    vectors, scores, seconds = [], [], []
    for _ in range(3):
        seconds.append(_timed(lambda: vectors.append(ours.encoder.encode_queries([query])))[0])
        seconds.append(_timed(lambda: scores.append(ours.reranker.rerank(query, hits)))[0])
    _say("a model swapped in, median s", statistics.median(seconds[1:]))
    same = all(np.array_equal(one, vectors[0]) for one in vectors) and all(
        np.array_equal(one, scores[0]) for one in scores
    )
    print(f"{'results before and after are equal':<56}{same!s:>10}")
    if not same:
        sys.exit(1)


def _tell_answer(service: Service, question: Query, which: str) -> None:
    started = time.perf_counter()
    first_s = None
    for event in service.ask(question):
        if first_s is None and isinstance(event, TextDelta):
            first_s = time.perf_counter() - started
    if first_s is not None:
        _say(f"{which} answer, first words after s", first_s)
    _say(f"{which} answer of {_N_NEW_TOKENS} tokens at most, s", time.perf_counter() - started)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def _say(name: str, value: float) -> None:
    print(f"{name:<56}{value:>10.3g}", flush=True)
