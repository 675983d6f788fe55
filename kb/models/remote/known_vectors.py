"""What a server answered at the first connect, so that another model behind the same name is
noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from kb.content import Content
from kb.errors import IndexMismatchError, ModelLoadError, StoreUnavailableError
from kb.files import write_whole
from kb.models.remote.prompt_check import probe_picture
from kb.protocols import Float32Array

__all__ = ["MIN_COSINE", "KnownVectors", "probes"]

# One model in two batches, or on two devices, in bfloat16 differs by less.
MIN_COSINE = 0.999


def probes() -> tuple[Content, ...]:
    """A text and a small picture, always the same."""
    return Content("How do I reset the device?"), Content(pictures=(probe_picture(),))


class KnownVectors:
    """The vectors of `probes` by model name, in a JSON file.

    Args:
        path: Of the file, made at the first connect.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def fingerprint(self, model: str) -> str | None:
        """Of what is remembered of `model`; None before the first connect.

        Raises:
            ModelLoadError: The file is damaged.
            StoreUnavailableError: It can't be read.
        """
        vectors = self._read().get(model)
        return None if vectors is None else hashlib.sha256(vectors.tobytes()).hexdigest()[:16]

    def check(self, model: str, vectors: Float32Array) -> None:
        """Compare `vectors`, float32 ``(n_probes, dim)`` as the server answers now, with those
        that are remembered; remember them when none are.

        Raises:
            IndexMismatchError: They differ.
            ModelLoadError: The file is damaged.
            StoreUnavailableError: It can't be read or written.
        """
        known = self._read()
        if (remembered := known.get(model)) is None:
            known[model] = vectors
            self._write(known)
            return
        if remembered.shape != vectors.shape:
            difference = f"vectors of {vectors.shape[1]} numbers instead of {remembered.shape[1]}"
        else:
            norms = np.linalg.norm(remembered, axis=1) * np.linalg.norm(vectors, axis=1)
            cosine = float(((remembered * vectors).sum(axis=1) / norms).min())
            if cosine >= MIN_COSINE:
                return
            difference = f"cosine {cosine:.3f} to what it answered then, below {MIN_COSINE}"
        raise IndexMismatchError(
            f"The server's {model!r} is not the model that the index was made with: {difference}. "
            "Serve that model again, with the same prompt and precision, or run "
            "`kb sync --reembed` to embed the library with this one."
        )

    def forget(self, model: str) -> None:
        """Let the next `check` remember what the server answers then.

        Raises:
            ModelLoadError, StoreUnavailableError: As `check`.
        """
        known = self._read()
        if known.pop(model, None) is not None:
            self._write(known)

    def _read(self) -> dict[str, Float32Array]:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreUnavailableError(
                f"{self._path}, which remembers how the model server answers, can't be read "
                f"({error.strerror or error}). Let this program read it, then try again."
            ) from error
        try:
            return {name: np.array(rows, np.float32) for name, rows in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelLoadError(
                f"{self._path} is damaged ({error}). Delete it and run `kb sync --rebuild`."
            ) from error

    def _write(self, known: dict[str, Float32Array]) -> None:
        rows: dict[str, Any] = {name: vectors.tolist() for name, vectors in known.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(rows))
        except OSError as error:
            # Without it, the index could not be told from that of another model at the next start.
            raise StoreUnavailableError(
                f"{self._path}, which remembers how the model server answers, can't be written "
                f"({error.strerror or error}). Free some space on the disk, or let this program "
                "write to the folder, then try again."
            ) from error
