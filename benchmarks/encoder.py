"""Speed and exactness of the text encoder beside plain sentence-transformers.

``python -m benchmarks.encoder [--model NAME] [--json] [--n-texts N] [--n-rounds N]``: both
encode the same texts of mixed length on the same cores, in turns, and the best round of each
counts, so that other work on the machine falls on both.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from benchmarks.unpacked import unpack
from kb.config.models import TextEncoderConfig
from kb.models.encoders.recipes import recipe_of
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import E5, MINILM, find_model
from kb.protocols import Float32Array
from kb.types import Chunk, Kind, Locator, Modality, Query

_WORDS = (
    "the device keeps its settings when power fails while a reset of the filter counter "
    "needs both buttons held for ten seconds until the lamp on the front panel blinks green "
    "measured pressure rises with temperature and flow along the boundary layer reports list "
    "revenue costs positions by region and quarter def run self value return None import"
).split()


def make_texts(n: int, seed: int = 7) -> list[str]:
    """Texts of 5 to 220 words, most of them short or near a chunk's full length."""
    rng = random.Random(seed)
    sizes = (5, 12, 30, 60, 110, 160, 220)
    return [" ".join(rng.choices(_WORDS, k=rng.choice(sizes))) for _ in range(n)]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--n-texts", type=int, default=256)
    parser.add_argument("--n-rounds", type=int, default=3)
    parser.add_argument("--model", choices=(MINILM, E5), default=E5)
    arguments = parser.parse_args()

    texts = make_texts(arguments.n_texts)
    chunks = [
        Chunk(str(i), "0" * 64, i, Kind.TEXT, Modality.TEXT, Locator(), text)
        for i, text in enumerate(texts)
    ]
    started = time.perf_counter()
    encoder = SentenceTransformerEncoder(TextEncoderConfig(model=arguments.model))
    encoder.warm()
    load_s = time.perf_counter() - started
    prefix = recipe_of(arguments.model).document_prefix
    prefixed = [prefix + text for text in texts]
    with tempfile.TemporaryDirectory() as temporary:
        files = find_model(arguments.model)
        directory = files.directory
        if files.packed is not None:
            directory = Path(temporary) / arguments.model
            unpack(files.packed, directory)
        plain = SentenceTransformer(str(directory), device="cpu")

    def encode_plain() -> Float32Array:
        return np.asarray(plain.encode(prefixed, show_progress_bar=False), np.float32)

    def encode_ours() -> Float32Array:
        return encoder.encode_chunks(chunks)

    encode_plain()
    encode_ours()
    plain_s, ours_s = [], []
    for _ in range(arguments.n_rounds):
        expected, seconds = _timed(encode_plain)
        plain_s.append(seconds)
        found, seconds = _timed(encode_ours)
        ours_s.append(seconds)
    query_s = sorted(
        _timed(lambda i=i: encoder.encode_queries([Query(f"How do I reset device {i}?")]))[1]
        for i in range(50)
    )
    figures = {
        "model": arguments.model,
        "n_texts": len(texts),
        "n_threads": torch.get_num_threads(),
        "plain_chunks_per_s": round(len(texts) / min(plain_s), 1),
        "ours_chunks_per_s": round(len(texts) / min(ours_s), 1),
        "ratio": round(min(plain_s) / min(ours_s), 2),
        "min_cosine": round(float((expected * found).sum(axis=1).min()), 6),
        "load_s": round(load_s, 2),
        "query_p50_ms": round(query_s[len(query_s) // 2] * 1000, 1),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    print(
        "{model}: {n_texts} texts, {n_threads} threads: plain {plain_chunks_per_s} chunks/s, ours "
        "{ours_chunks_per_s} chunks/s, ratio {ratio} (at least 1.5 is wanted)\n"
        "least cosine with float32 {min_cosine} (at least 0.999 is wanted); "
        "model loaded in {load_s} s; one query {query_p50_ms} ms".format(**figures)
    )


def _timed(call: Callable[[], Float32Array]) -> tuple[Float32Array, float]:
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
