"""The text encoder against sentence-transformers, in both of its ways of running."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from kb.config.models import TextEncoderConfig
from kb.errors import InferenceError, ModelLoadError
from kb.models.encoders.bert import MIN_COSINE, BertEncoder, load_bert
from kb.models.encoders.recipes import recipe_of
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import MINILM, BertSpec, find_model
from kb.types import Chunk, Kind, Locator, Modality, Query

TEXTS = [
    "reset",
    "How do I reset the device?",
    "Press and hold the power button for ten seconds. " * 5,
    "Revenue by region and quarter, with 37 open positions; costs rose. " * 60,
    "如何重置设备？",
    "naïve café 🙂 \u200b x² ﬁn",
    "   spaces\t\nand\r\nbreaks   ",
]


def _copy(tmp_path: Path, name: str) -> Path:
    """MiniLM with small files that may be changed."""
    original = find_model(MINILM).directory
    copy = Path(
        shutil.copytree(original, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors"))
    )
    (copy / "model.safetensors").symlink_to(original / "model.safetensors")
    return copy


def _expected(directory: Path) -> np.ndarray:
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    return np.asarray(
        model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False), np.float32
    )


def _minilm() -> BertEncoder:
    files = find_model(MINILM)
    spec = BertSpec.read(files.directory)
    assert spec is not None
    return load_bert(files, spec, recipe_of(MINILM), batch_tokens=1024)


def _queries() -> list[Query]:
    return [Query(text) for text in TEXTS]


def test_parity_with_sentence_transformers() -> None:
    found = SentenceTransformerEncoder(TextEncoderConfig()).encode_queries(_queries())
    expected = _expected(find_model(MINILM).directory)
    assert (found * expected).sum(axis=1).min() >= MIN_COSINE


def test_float32_parity_is_exact_to_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    model = _minilm()
    assert model.dtype == torch.float32
    expected = _expected(find_model(MINILM).directory)
    np.testing.assert_allclose(model.encode(TEXTS), expected, atol=2e-6)


def test_reduced_precision_that_is_not_exact_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr("kb.models.encoders.bert.MIN_COSINE", 1.1)
    assert _minilm().dtype == torch.float32


def test_cls_pooling(tmp_path: Path) -> None:
    directory = _copy(tmp_path, "cls")
    pooling = directory / "1_Pooling" / "config.json"
    values = json.loads(pooling.read_text())
    values |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    pooling.write_text(json.dumps(values))
    encoder = SentenceTransformerEncoder(TextEncoderConfig(model=str(directory)))
    assert (encoder.encode_queries(_queries()) * _expected(directory)).sum(1).min() >= MIN_COSINE


def test_other_architectures_go_through_the_package(tmp_path: Path) -> None:
    directory = _copy(tmp_path, "prompted")
    (directory / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "query: ", "document": ""}})
    )
    encoder = SentenceTransformerEncoder(TextEncoderConfig(model=str(directory)))
    assert encoder.dim == 384
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    expected = np.asarray(model.encode_query(TEXTS[:2], show_progress_bar=False))
    found = encoder.encode_queries(_queries()[:2])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    plain = SentenceTransformerEncoder(TextEncoderConfig()).encode_queries(_queries()[:2])
    assert (found * plain).sum(axis=1).max() < 0.999  # the prompt was used


def test_fingerprint_names_model_weights_and_dim(tmp_path: Path) -> None:
    encoder = SentenceTransformerEncoder(TextEncoderConfig())
    assert encoder.fingerprint.startswith("all-MiniLM-L6-v2@53aa51172d142c89/384/")
    other = SentenceTransformerEncoder(TextEncoderConfig(model=str(_copy(tmp_path, "other"))))
    assert other.fingerprint != encoder.fingerprint


def test_damaged_weights_are_a_load_error(tmp_path: Path) -> None:
    directory = _copy(tmp_path, "damaged")
    (directory / "model.safetensors").unlink()
    (directory / "model.safetensors").write_bytes(b"\x00" * 100)
    encoder = SentenceTransformerEncoder(TextEncoderConfig(model=str(directory)))
    with pytest.raises(ModelLoadError, match="can't be loaded"):
        encoder.warm()


def test_weights_of_another_shape_are_an_inference_or_load_error(tmp_path: Path) -> None:
    directory = _copy(tmp_path, "shape")
    config = json.loads((directory / "config.json").read_text()) | {"num_attention_heads": 7}
    (directory / "config.json").write_text(json.dumps(config))
    encoder = SentenceTransformerEncoder(TextEncoderConfig(model=str(directory)))
    with pytest.raises((InferenceError, ModelLoadError)):
        encoder.encode_queries([Query("reset")])


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Query("words"), True),
        (Query(" \n"), False),
        (Query(), False),
        (Query("如何重置这台设备？"), True),
        (Query("naïve café"), True),
        (Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), "重置"), True),
        (Chunk("0", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator(), title="Photo"), True),
        (Chunk("0", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator()), False),
    ],
)
def test_accepts_what_has_words(item: Query | Chunk, expected: bool) -> None:
    assert SentenceTransformerEncoder(TextEncoderConfig()).accepts(item) is expected


def test_a_query_is_answered_while_a_batch_runs() -> None:
    encoder = SentenceTransformerEncoder(TextEncoderConfig())
    encoder.warm()
    chunk = Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), "word " * 300)
    done = threading.Event()

    def ingest() -> None:
        encoder.encode_chunks([chunk] * 32)
        done.set()

    worker = threading.Thread(target=ingest)
    worker.start()
    vectors = encoder.encode_queries([Query("reset")])
    answered_first = not done.is_set()
    worker.join()
    assert answered_first
    np.testing.assert_array_equal(vectors, encoder.encode_queries([Query("reset")]))


def test_finding_the_model_imports_no_torch() -> None:
    code = (
        "import sys; from kb.config.models import TextEncoderConfig;"
        "from kb.models.encoders.text import SentenceTransformerEncoder as E;"
        "E(TextEncoderConfig()).fingerprint;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
