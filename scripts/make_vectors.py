"""Encode the sentences whose vectors are shipped (`kb.shipped_vectors`), with the text encoder
of the profile `starter`:

    python scripts/make_vectors.py

Run it when the sentences, the encoder's fingerprint or what it reads before a text change. The
shipped ones were made on a processor with bfloat16; those of another agree to three digits.
"""

from __future__ import annotations

from kb.answer.refusal import nearness
from kb.config.models import TOGETHER, TextEncoderConfig
from kb.models.encoders import neutral
from kb.models.encoders.paired import text_encoder
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import E5, MINILM
from kb.shipped_vectors import write_vectors


def main() -> None:
    one = SentenceTransformerEncoder(TextEncoderConfig(model=E5))
    sentences = [sentence for block in neutral.sentences_of_languages() for sentence in block]
    rows = one.encode_passages(sentences)
    write_vectors(*neutral.VECTORS, one.fingerprint, sentences, rows)
    pair = text_encoder(TextEncoderConfig(model=f"{MINILM}{TOGETHER}{E5}"))
    background = nearness.background_sentences()
    rows = nearness.encode_background(pair, background)
    write_vectors(*nearness.VECTORS, pair.fingerprint, background, rows)


if __name__ == "__main__":
    main()
