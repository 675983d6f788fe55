"""Text to ids by a unigram language model over pieces (Kudo, 2018, arXiv:1804.10959)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tokenizers import Tokenizer, models, pre_tokenizers

from kb.models.encoders.e5_file import Vocabulary

__all__ = ["UnigramTokenizer"]

# SentencePiece's mark of a blank; the normalisation takes it out of texts.
_BLANK = "\u2581"
_BLANKS = re.compile(" {2,}")
_MARK = re.compile(r"<(?:s|/s|pad|unk|mask)>")


class UnigramTokenizer:
    """The tokenizer of XLM-RoBERTa, by the tokenizers library.

    Args:
        vocabulary: As a file of weights holds it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # A text that says <s> says three letters: no text has two blanks in a row.
        pieces = (
            f"{_BLANK}{_BLANK}{piece}" if _MARK.fullmatch(piece) else piece
            for piece in vocabulary.pieces
        )
        scored = list(zip(pieces, vocabulary.scores, strict=True))
        self._tokenizer = Tokenizer(models.Unigram(scored, vocabulary.unknown, byte_fallback=False))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(_BLANK, "always")

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, whatever its length, with the marks of begin and end around."""
        encodings = self._tokenizer.encode_batch(
            [self._normal(text) for text in texts], add_special_tokens=False
        )
        begin, end = self._vocabulary.begin, self._vocabulary.end
        return [[begin, *encoding.ids, end] for encoding in encodings]

    def _normal(self, text: str) -> str:
        # The published map also composes what is written as letter and accent apart.
        composed = unicodedata.normalize("NFC", text)
        return _BLANKS.sub(" ", composed.translate(self._vocabulary.normalisation))
