"""Vectors of the product's own sentences, shipped for the text encoder that comes with it.

Some sentences are compared with every text or question. Every process that answers needs their
vectors, and to encode them takes longer than to answer; so `scripts/make_vectors.py` has done it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources

import numpy as np

from kb.protocols import Float32Array

__all__ = ["read_vectors", "write_vectors"]


def read_vectors(
    package: str, name: str, fingerprint: str, sentences: Sequence[str]
) -> Float32Array | None:
    """float32 ``(n, dim)``, a row for each of `sentences`; None where those in the file `name` of
    `package` are of another encoder than that of `fingerprint`, or of other sentences."""
    with resources.files(package).joinpath(name).open("rb") as file, np.load(file) as arrays:
        if str(arrays["of"]) != _identity(fingerprint, sentences):
            return None
        return np.asarray(arrays["rows"], np.float32)


def write_vectors(
    package: str, name: str, fingerprint: str, sentences: Sequence[str], rows: Float32Array
) -> None:
    """Write the file that `read_vectors` reads, into the source tree.

    Args:
        rows: float32 ``(n, dim)``, a row for each of `sentences`.
    """
    with resources.as_file(resources.files(package).joinpath(name)) as path:
        np.savez(path, of=np.array(_identity(fingerprint, sentences)), rows=rows)


def _identity(fingerprint: str, sentences: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(sentences).encode()).hexdigest()
    return f"{fingerprint}, sentences {digest}"
