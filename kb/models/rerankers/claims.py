"""A cross-encoder as a judge of claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kb.content import Content
from kb.index.assets import AssetStore
from kb.protocols import Float32Array
from kb.types import Chunk

__all__ = ["CrossEncoder", "CrossEncoderClaimScorer"]

# The reranker was trained to follow the instruction; a search query's own one would call a page
# on the same matter relevant that says the opposite.
_INSTRUCTION = "Judge whether the document supports the claim."
_VERSION = 1  # of the instruction and of what is shown


class CrossEncoder(Protocol):
    """What `Qwen3VLReranker` and `RemoteReranker` share."""

    def score(
        self, query: Content, documents: Sequence[Content], instruction: str | None = None
    ) -> Float32Array: ...


class CrossEncoderClaimScorer:
    """The probability of "yes" to the claim as the question and the chunk as the document, with
    its words, its page or picture, and the frames of its clip.

    Args:
        model: The profile's reranker, which is not loaded twice.
        name: Tells its weights from others.
        assets: Where chunks' pictures are read.
    """

    def __init__(self, model: CrossEncoder, name: str, assets: AssetStore) -> None:
        self._model = model
        self._name = name
        self._assets = assets

    @property
    def fingerprint(self) -> str:
        """Model, weights, and the version of the instruction."""
        return f"{self._name}:claims{_VERSION}"

    def score(self, claim: str, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(len(chunks),)`` in [0, 1]; NaN for a chunk whose picture can't be shown.

        Raises:
            InferenceError, ModelLoadError: The model failed.
            PromptTooLongError: The claim leaves no room for a chunk.
        """
        documents = [Content.of_chunk(chunk, self._assets) for chunk in chunks]
        return self._model.score(Content(text=claim), documents, _INSTRUCTION)
