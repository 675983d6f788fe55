"""Our encoder and reranker with the chunks and hits that an index would give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from benchmarks.qwen3_vl_published import Item
from kb.config.models import Qwen3VLEncoderConfig, Qwen3VLRerankerConfig
from kb.device.placement import SharedDevice
from kb.device.precision import Precision
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query

__all__ = ["Ours"]


class Ours:
    """The models of one checkpoint, as a profile has them.

    Args:
        root: Where pictures are stored.
        shared_device: None for one where models always fit.
    """

    def __init__(
        self,
        root: Path,
        checkpoint: Path,
        device: torch.device,
        precision: Precision,
        shared_device: SharedDevice | None = None,
    ) -> None:
        name: Literal["cpu", "cuda"] = "cuda" if device.type == "cuda" else "cpu"
        self.assets = AssetStore(root / "assets")
        self.shared_device = shared_device or SharedDevice.alone()
        self.encoder = Qwen3VLEncoder(
            Qwen3VLEncoderConfig(model=str(checkpoint), device=name, precision=precision),
            checkpoint,
            self.assets,
            self.shared_device,
        )
        self.reranker = Qwen3VLReranker(
            Qwen3VLRerankerConfig(model=str(checkpoint), device=name, precision=precision),
            checkpoint,
            self.assets,
            self.shared_device,
        )

    def chunks(self, items: Sequence[Item]) -> list[Chunk]:
        """Text chunks and page images as a sync stores them."""
        return [self._chunk(place, item) for place, item in enumerate(items)]

    def hits(self, items: Sequence[Item]) -> list[Hit]:
        """Likewise as retrieval finds them."""
        return [Hit(chunk, "made.pdf") for chunk in self.chunks(items)]

    def query(self, item: Item) -> Query:
        """A question in words or by a picture."""
        return Query(text=item) if isinstance(item, str) else Query(images=(item,))

    def _chunk(self, place: int, item: Item) -> Chunk:
        is_text = isinstance(item, str)
        return Chunk(
            str(place),
            "0" * 64,
            place,
            Kind.PDF,
            Modality.TEXT if is_text else Modality.IMAGE,
            Locator(page=place + 1),
            text=item if is_text else "",
            image=None if is_text else self.assets.put(item),
        )
