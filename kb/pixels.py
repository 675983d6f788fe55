"""Pictures as the vision tower takes them: sizes under a budget, and pixels.

Source of the sizes and of both ways of resizing: qwen_vl_utils.vision_process, with the
published budgets of the embedding and reranking scripts. `total_px` bounds every clip, which
the published code forgets for files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kb.content import Picture
from kb.errors import InferenceError

__all__ = ["CELL_PX", "Grid", "PixelBudget", "read_clip", "read_picture"]

PATCH_PX = 16
CELL_PX = 2 * PATCH_PX  # of one token: two by two patches
_FRAMES_A_STEP = 2
_MAX_RATIO = 200

UInt8Array = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Grid:
    """The size of a picture or clip in tokens.

    Attributes:
        n_steps: 1 for a picture; for a clip, pairs of frames.
    """

    n_steps: int
    n_rows: int
    n_columns: int

    @property
    def n_step_tokens(self) -> int:
        """Tokens of one step."""
        return self.n_rows * self.n_columns

    @property
    def n_tokens(self) -> int:
        """Tokens of all steps."""
        return self.n_steps * self.n_step_tokens

    @property
    def size_px(self) -> tuple[int, int]:
        """``(width, height)`` of the resized picture."""
        return self.n_columns * CELL_PX, self.n_rows * CELL_PX


@dataclass(frozen=True, slots=True)
class PixelBudget:
    """How many pixels the model is shown.

    Attributes:
        min_px: Of a picture; smaller ones are enlarged.
        max_px: Of a picture.
        max_frames: Of a clip; longer ones are thinned evenly.
        total_px: Of all frames of a clip.
    """

    min_px: int = 4 * CELL_PX**2
    max_px: int = 1800 * CELL_PX**2
    max_frames: int = 64
    min_frame_px: int = 128 * CELL_PX**2
    max_frame_px: int = 768 * CELL_PX**2
    total_px: int = 7680 * CELL_PX**2

    def picture(self, width_px: int, height_px: int) -> Grid:
        """The size at which a picture is shown.

        Raises:
            InferenceError: It is over 200 times as long as wide.
        """
        rows, columns = _resized(width_px, height_px, self.min_px, self.max_px)
        return Grid(1, rows, columns)

    def clip(self, width_px: int, height_px: int, n_frames: int) -> Grid:
        """The size at which `n_frames` frames are shown.

        Raises:
            InferenceError: They are over 200 times as long as wide.
        """
        n_frames += n_frames % _FRAMES_A_STEP
        share_px = self.total_px / n_frames * _FRAMES_A_STEP
        max_px = max(min(self.max_frame_px, share_px), int(self.min_frame_px * 1.05))
        rows, columns = _resized(width_px, height_px, self.min_frame_px, max_px)
        return Grid(n_frames // _FRAMES_A_STEP, rows, columns)


def read_picture(picture: Picture, grid: Grid) -> UInt8Array:
    """uint8 ``(1, height_px, width_px, 3)`` of a picture, resized to `grid`.

    Raises:
        InferenceError: The bytes can't be read or are no picture.
    """
    image = _open(picture)
    if image.size != grid.size_px:
        image = image.resize(grid.size_px, Image.Resampling.BICUBIC)
    return np.array(image)[None]


def read_clip(frames: Sequence[Picture], grid: Grid) -> UInt8Array:
    """uint8 ``(2 * n_steps, height_px, width_px, 3)``; an odd last frame is shown twice.

    Raises:
        InferenceError: As `read_picture`.
    """
    import torch
    import torch.nn.functional as F  # noqa: N812

    width_px, height_px = grid.size_px
    resized = []
    for picture in frames:
        # As torchvision resizes uint8 tensors, which differs from Pillow by a grey level.
        pixels = torch.from_numpy(np.array(_open(picture))).permute(2, 0, 1)[None]
        if pixels.shape[-2:] != (height_px, width_px):
            scaled = F.interpolate(
                pixels.float(), (height_px, width_px), mode="bicubic", antialias=True
            )
            pixels = scaled.clamp(0, 255).round().to(torch.uint8)
        resized.append(pixels[0].permute(1, 2, 0).numpy())
    resized += resized[-1:] * (_FRAMES_A_STEP * grid.n_steps - len(resized))
    return np.stack(resized)


def _resized(width_px: int, height_px: int, min_px: float, max_px: float) -> tuple[int, int]:
    """``(rows, columns)`` in cells: qwen_vl_utils' ``smart_resize``."""
    ratio = max(width_px, height_px) / max(1, min(width_px, height_px))
    if ratio > _MAX_RATIO:
        raise InferenceError(
            f"The picture is {width_px} x {height_px} px: one side is {ratio:.0f} times the other, "
            f"and the model reads up to {_MAX_RATIO} times. Cut it into parts."
        )
    rows = max(1, round(height_px / CELL_PX))
    columns = max(1, round(width_px / CELL_PX))
    n_px = rows * columns * CELL_PX**2
    if n_px > max_px:
        shrink = math.sqrt(height_px * width_px / max_px)
        # At least one cell: a strip that is close to the limit would come out empty.
        rows = max(1, math.floor(height_px / shrink / CELL_PX))
        columns = max(1, math.floor(width_px / shrink / CELL_PX))
    elif n_px < min_px:
        grow = math.sqrt(min_px / (height_px * width_px))
        rows = math.ceil(height_px * grow / CELL_PX)
        columns = math.ceil(width_px * grow / CELL_PX)
    return rows, columns


def _open(picture: Picture) -> Image.Image:
    try:
        image = Image.open(BytesIO(picture.read()))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InferenceError(
            f"A picture could not be decoded ({error}). Save it anew as PNG or JPEG; if it belongs "
            "to the index, `kb doctor --repair` makes it again."
        ) from error
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")
