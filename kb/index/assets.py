"""Page images, frames and thumbnails on disk, by the sha256 of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from kb.files import write_whole
from kb.types import EncodedImage, ImageRef

__all__ = ["AssetStore"]

_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


class AssetStore:
    """Write-once files named by content: the same picture is stored once.

    Safe to use from several processes: a file appears whole or not at all.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, image: EncodedImage) -> ImageRef:
        """Store `image`; a second call with the same bytes writes nothing."""
        sha256 = hashlib.sha256(image.data).hexdigest()
        ref = ImageRef(sha256, image.media_type, image.width_px, image.height_px)
        path = self.path(ref)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, image.data)
        return ref

    def path(self, ref: ImageRef) -> Path:
        """The file of `ref`, whether or not it is there."""
        return self.root / ref.sha256[:2] / (ref.sha256 + _SUFFIX[ref.media_type])

    def read(self, ref: ImageRef) -> bytes:
        """The bytes of `ref`.

        Raises:
            FileNotFoundError: It is not stored; ``kb doctor --repair`` makes it anew.
        """
        return self.path(ref).read_bytes()

    def files(self) -> Iterator[Path]:
        """Every stored file."""
        return (path for path in self.root.glob("??/*") if not path.name.startswith("."))
