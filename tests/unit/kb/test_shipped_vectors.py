"""The vectors that are shipped are those of the sentences and the encoder that come with them."""

from __future__ import annotations

import numpy as np
import pytest

from kb.answer.refusal import nearness
from kb.config.models import TOGETHER, TextEncoderConfig
from kb.models.encoders import neutral
from kb.models.encoders.paired import PairedEncoder, text_encoder
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import E5, MINILM
from kb.shipped_vectors import read_vectors

MIN_COSINE = 0.998  # between processors with bfloat16 and without
SENTENCES = [line for block in neutral.sentences_of_languages() for line in block]


@pytest.fixture(scope="module")
def pair() -> PairedEncoder:
    encoder = text_encoder(TextEncoderConfig(model=f"{MINILM}{TOGETHER}{E5}"))
    assert isinstance(encoder, PairedEncoder)
    return encoder


@pytest.fixture(scope="module")
def e5() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder(TextEncoderConfig(model=E5))


def test_sentences_of_languages(e5: SentenceTransformerEncoder) -> None:
    rows = read_vectors(*neutral.VECTORS, e5.fingerprint, SENTENCES)
    assert rows is not None, "run scripts/make_vectors.py"
    assert rows.shape == (len(SENTENCES), e5.dim)
    some = slice(None, None, 9)
    assert (rows[some] * e5.encode_passages(SENTENCES[some])).sum(axis=1).min() > MIN_COSINE


def test_background(pair: PairedEncoder) -> None:
    sentences = nearness.background_sentences()
    rows = read_vectors(*nearness.VECTORS, pair.fingerprint, sentences)
    assert rows is not None, "run scripts/make_vectors.py"
    assert rows.shape == (len(sentences), pair.dim)
    some = slice(None, None, 5)
    encoded = nearness.encode_background(pair, sentences[some])
    assert (rows[some] * encoded).sum(axis=1).min() > MIN_COSINE


def test_those_of_another_encoder_or_other_sentences_are_not_taken(
    e5: SentenceTransformerEncoder,
) -> None:
    assert read_vectors(*neutral.VECTORS, f"{e5.fingerprint}2", SENTENCES) is None
    assert read_vectors(*neutral.VECTORS, e5.fingerprint, SENTENCES[::-1]) is None


def test_of_another_encoder_they_are_encoded() -> None:
    def encode(texts: object) -> np.ndarray:
        assert texts == SENTENCES
        return np.ones((len(SENTENCES), 3), np.float32)

    languages = neutral.sentences_of_languages()
    rows = neutral.vectors_of_languages("another", encode)
    assert rows.shape == (len(languages), len(languages[0]), 3)
    assert rows.min() == 1
