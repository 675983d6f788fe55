"""What the models are shown: words, pictures and clips, however they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from kb.index.assets import AssetStore
from kb.types import Chunk, EncodedImage, ImageRef, Query

__all__ = ["ClipFrame", "Content", "Picture", "has_content"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose size is known and whose bytes are read when they are needed.

    Attributes:
        read: The bytes of an image file that Pillow opens, upright.
    """

    width_px: int
    height_px: int
    read: Callable[[], bytes]

    @classmethod
    def of(cls, image: EncodedImage) -> Picture:
        """A picture that is in memory."""
        return cls(image.width_px, image.height_px, lambda: image.data)

    @classmethod
    def stored(cls, ref: ImageRef, assets: AssetStore) -> Picture:
        """A picture in the asset store."""
        return cls(ref.width_px, ref.height_px, partial(assets.read, ref))


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """A frame of a clip and its second."""

    time_s: float
    picture: Picture


def has_content(item: Query | Chunk) -> bool:
    """Whether there are words or pictures to encode."""
    if isinstance(item, Query):
        return bool(item.text or item.images or item.clip)
    return bool(item.text or item.pictures)


@dataclass(frozen=True, slots=True)
class Content:
    """One thing to encode or to judge. All empty stands for nothing at all."""

    text: str = ""
    pictures: tuple[Picture, ...] = ()
    clip: tuple[ClipFrame, ...] = ()

    @classmethod
    def of_query(cls, query: Query) -> Content:
        """A question: its clip, its pictures, its words."""
        return cls(
            text=query.text,
            pictures=tuple(Picture.of(image) for image in query.images),
            clip=tuple(ClipFrame(frame.time_s, Picture.of(frame.image)) for frame in query.clip),
        )

    @classmethod
    def of_chunk(cls, chunk: Chunk, assets: AssetStore) -> Content:
        """A chunk: its clip or its picture, and its words with title and headings before."""
        return cls(
            text=chunk.contextual_text,
            pictures=(Picture.stored(chunk.image, assets),) if chunk.image else (),
            clip=tuple(
                ClipFrame(frame.time_s, Picture.stored(frame.image, assets))
                for frame in chunk.frames
            ),
        )

    def thinned(self, max_frames: int) -> Self:
        """With at most so many frames of the clip, spread evenly."""
        n_frames = len(self.clip)
        if n_frames <= max_frames:
            return self
        kept = np.linspace(0, n_frames - 1, max_frames).astype(int)
        return replace(self, clip=tuple(self.clip[i] for i in kept))
