"""BM25 term weights of texts as sparse vectors; the store multiplies in the IDF.

Terms, by script:

- Words are freed of stop words, stemmed and hashed by `qdrant_edge.Bm25`, irregular forms
  (``wrote``) as the words that they are forms of.
- A compound (``runTarget``, ``run_target``, ``RX-200``) is its parts and, as one more
  term, the whole without its joints, so that ``RX200`` and ``rx-200`` meet.
- A number of several parts (``3.2.1``, ``10:30``) is one term; its parts weigh little in a query,
  or every version would be like every other. ``v3.2.1`` is a version, ``1,250`` is ``1250``, and
  ``10kΩ`` is also ``10`` and ``kΩ``, ``RX200`` also, lightly, ``RX`` and ``200``.
- A date with its year is one term however it is written (``2022-03-05``, ``5 March 2022``,
  ``2022年3月5日``), beside the words it is written with.
- Chinese, Japanese, Korean and other text without spaces is overlapping pairs of
  characters, and single characters, which in a query weigh little beside pairs. Traditional
  Chinese is read as simplified.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from qdrant_edge import Bm25, Bm25Config, TokenizerType

from kb.protocols import EMPTY_SPARSE, SparseVector
from kb.text.dates import iso_dates
from kb.text.irregular import BASE_FORMS
from kb.text.variants import fold_variants
from kb.types import Chunk, Query

__all__ = ["Bm25Encoder"]

# Scripts written without spaces: kana, Han (all planes), Hangul, Thai, Lao, Burmese, Khmer.
_DENSE = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
# Inside a number a point, a colon, a slash, or a comma before three digits joins.
_NUMBER_JOINT = r"(?<=\d)(?:[.:/](?=\d)|,(?=\d{3}(?!\d)))"
_TOKEN = re.compile(rf"[{_DENSE}]+|[^\W{_DENSE}]+(?:(?:-|{_NUMBER_JOINT})[^\W{_DENSE}]+)*")
_DENSE_TOKEN = re.compile(rf"[{_DENSE}]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\dA-Za-z_]+")
_SEVERAL_WORDS = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[-_]")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_JOINTS = re.compile(r"[-_.:/]")
_DIGITS = re.compile(r"\d+")
_JOINED_NUMBER = re.compile(r"(?P<version>\b[vV])?(?P<value>(?<!\d)\d++(?:[.:/]\d++)++)")
_LETTERS_AND_DIGITS = re.compile(r"[^\W\d_]+\d+")
_MEASURE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[^\W\d_]+)")

_PROBE = (
    "The children wrote: runningDevices of RX-200_b, naïve: 如何重置設備, テスト ไทย v3.5, 1,250 "
    "10kΩ 5 March 2022"
)


class Bm25Encoder:
    """`kb.protocols.SparseEncoder`: words, identifier parts and character pairs.

    A chunk's value is the term-frequency half of Okapi BM25 (Robertson and Zaragoza, "The
    Probabilistic Relevance Framework: BM25 and Beyond", 2009): ``tf (k + 1) / (tf + k (1 -
    b + b length / average_length))``; a query's is 1 (`single_weight` for single
    characters of longer runs). Safe to use from several threads.

    Args:
        k: Saturation of the term frequency.
        b: Weight of the length, in [0, 1].
        average_length: Terms of a usual text. Fixed, so that a vector depends on nothing
            but its own text.
        single_weight: Of a single character that stands beside others in a query.
    """

    def __init__(
        self,
        k: float = 1.6,
        b: float = 0.75,
        average_length: float = 128.0,
        single_weight: float = 0.2,
    ) -> None:
        self._k, self._b, self._average_length = k, b, average_length
        self._single_weight = single_weight
        self._words = Bm25(
            Bm25Config(tokenizer=TokenizerType.Word, language="english", ascii_folding=True)
        )
        # Texts repeat few words: most tokens are one look-up.
        self._terms = lru_cache(maxsize=1 << 17)(self._terms_of_token)

    @property
    def fingerprint(self) -> str:
        """The parameters, and a digest of a probe's vectors, which changes when the
        stemmer, the stop words or the hashing of the installed engine change."""
        query, chunk = self._query(_PROBE), self._chunk(_PROBE)
        probe = hashlib.sha256(
            query.indices.tobytes()
            + np.round(query.values, 4).tobytes()
            + chunk.indices.tobytes()
            + np.round(chunk.values, 4).tobytes()
        )
        return f"bm25-{probe.hexdigest()[:16]}"

    def encode_queries(self, queries: Sequence[Query]) -> list[SparseVector]:
        """One vector a query; empty where the query has no words but stop words."""
        return [self._query(query.text) for query in queries]

    def encode_chunks(self, chunks: Sequence[Chunk]) -> list[SparseVector]:
        """One vector a chunk, of its `contextual_text`; empty where it has no words."""
        return [self._chunk(chunk.contextual_text) for chunk in chunks]

    def _query(self, text: str) -> SparseVector:
        weights: dict[int, float] = {}
        for token in _tokens(text):
            main, single = self._terms(token)
            for term in main:
                weights[term] = 1.0
            for term in single:
                weights.setdefault(term, self._single_weight)
        return _sparse(weights)

    def _chunk(self, text: str) -> SparseVector:
        counts: dict[int, int] = {}
        length = 0
        for token, n in Counter(_tokens(text)).items():
            main, single = self._terms(token)
            length += n * len(main)
            for term in (*main, *single):
                counts[term] = counts.get(term, 0) + n
        saturation = self._k * (1 - self._b + self._b * length / self._average_length)
        return _sparse({t: n * (self._k + 1) / (n + saturation) for t, n in counts.items()})

    def _terms_of_token(self, token: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The terms of a token, and those that weigh little in a query."""
        if _DENSE_TOKEN.match(token):
            if len(token) == 1:
                return (_hash(token),), ()
            pairs = tuple(_hash(token[i : i + 2]) for i in range(len(token) - 1))
            return pairs, tuple(map(_hash, token))
        token = token.replace(",", "")
        if number := _JOINED_NUMBER.fullmatch(token):
            said = self._stems(("version",)) if number["version"] else ()
            return (_hash(number["value"]), *said), self._stems(_DIGITS.findall(token))
        joined = tuple(_hash(number["value"]) for number in _JOINED_NUMBER.finditer(token))
        if measure := _MEASURE.fullmatch(token):
            number_terms = joined or self._stems((measure["number"],))
            return (*number_terms, *self._stems((measure["unit"],)), _hash(token.lower())), ()
        parts = [part for part in _PART.findall(token) if len(part) > 1 or part.isdigit()]
        if _SEVERAL_WORDS.search(token) or joined:
            return (*self._stems((*parts, _JOINTS.sub("", token))), *joined), ()
        return self._stems((token,)), self._stems(parts) if _LETTERS_AND_DIGITS.fullmatch(
            token
        ) else ()

    def _stems(self, words: Iterable[str]) -> tuple[int, ...]:
        bases = (BASE_FORMS.get(word, word) for word in map(str.lower, words))
        return tuple(term for base in bases for term in self._words.embed_query(base).indices)


def _tokens(text: str) -> list[str]:
    if not text.isascii():
        text = fold_variants(unicodedata.normalize("NFKC", text))
    tokens = _TOKEN.findall(text)
    if _YEAR.search(text):
        # As the whole of a date that is written so.
        tokens += (date.replace("-", "") for date in iso_dates(text))
    return tokens


def _hash(characters: str) -> int:
    # The engine's word hashes stay below 2^31: the top bit keeps the two apart.
    return zlib.crc32(characters.encode()) | 0x8000_0000


def _sparse(weights: dict[int, float]) -> SparseVector:
    if not weights:
        return EMPTY_SPARSE
    indices = np.fromiter(weights.keys(), np.uint32, len(weights))
    values = np.fromiter(weights.values(), np.float32, len(weights))
    return SparseVector(indices, values)
