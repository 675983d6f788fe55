"""Finds the same picture again: cropped, shrunk, re-coded, recoloured, turned or mirrored.

A descriptor of layout, made without a trained model. It knows nothing of what a picture
shows; two photographs of one thing are as different to it as any two pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kb.errors import InferenceError
from kb.index.assets import AssetStore
from kb.protocols import Float32Array
from kb.types import Chunk, EncodedImage, ImageRef, Kind, Query

__all__ = ["SAME_PICTURE_COSINE", "PictureDescriptor"]

SAME_PICTURE_COSINE = 0.78
"""At least this between a query's best row and a picture's means the same picture. Set on
edits of photographs and video frames, where the best of some ninety other pictures stayed
below it. It does not hold for pages of text, which all look alike to a layout."""

_PAGED = frozenset({Kind.PDF, Kind.EBOOK})

Pixels = NDArray[np.uint8]
"""``(height_px, width_px, 3)``, BGR as OpenCV has it."""

_VERSION = 2
_SIDE_PX = 64  # every view is seen at 64 x 64 pixels
_WORK_PX = 320  # views are cut from the picture at this longer side
_CELLS = 8
_CELL_PX = _SIDE_PX // _CELLS
_ORIENTATIONS = 6
_ORIENTATION = np.arange(_ORIENTATIONS, dtype=np.float32)[:, None, None]
_LAYOUT = _CELLS * _CELLS * _ORIENTATIONS
_COLOUR_CELLS = 4
_COLOUR = 3 * _COLOUR_CELLS * _COLOUR_CELLS
_COLOUR_WEIGHT = 0.5
# Lengths, before normalisation, that noise and JPEG's blocks reach on a plain picture (0.9
# and 0.02; photographs at a twentieth of their contrast have 3.3 and 0.7).
_LAYOUT_FLOOR, _COLOUR_FLOOR, _PLAIN = 1.2, 0.1, 0.9
_DIM = _LAYOUT + _COLOUR

# Sides of the stored crops as a part of the picture's, and how many along each axis. A
# second, smaller size finds more crops below two thirds, at twice the rows.
_CROP_PART, _N_CROPS = 0.75, 3
# Turns of a query's picture that are looked for, in degrees, beside quarter turns.
_QUARTERS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)
_TILTS = (-10.0, -5.0, 5.0, 10.0)


class PictureDescriptor:
    """`kb.protocols.PictureEncoder` by gradients and colours on a grid.

    A view's vector joins, of the picture squeezed into a square, histograms of gradient
    orientation on 8 x 8 cells (Dalal and Triggs, "Histograms of Oriented Gradients for
    Human Detection", 2005) and mean colours on 4 x 4, each less its mean over the cells, so
    that the cosine of unrelated pictures lies near 0 and brightness or contrast hardly
    count. All plain pictures share one vector.

    An image is stored as the whole and crops of it, a page of a document as the whole, a clip
    as one row a frame, in order.
    A query looks for its pictures as they are, mirrored, turned by quarters, tilted, and
    freed of a plain border.

    Args:
        assets: Where the pictures of chunks lie.
    """

    def __init__(self, assets: AssetStore) -> None:
        self._assets = assets

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return _DIM

    @property
    def fingerprint(self) -> str:
        """Version of the descriptor and dim."""
        return f"picture-{_VERSION}/{_DIM}"

    def encode_query(self, query: Query) -> Float32Array:
        """float32 ``(k, dim)``, L2-normalised: a row for each variant of each picture (and
        of each frame of a clip, as it is); k = 0 without pictures.

        Raises:
            InferenceError: A picture can't be decoded.
        """
        views = [v for image in query.images for v in _query_views(_from_query(image))]
        views += [_from_query(frame.image) for frame in query.clip]
        return _rows(views)

    def encode_chunk(self, chunk: Chunk, pixels: Pixels | None = None) -> Float32Array:
        """float32 ``(k, dim)``, L2-normalised: of an image the whole first, then its crops;
        of a document's page the whole alone;
        of a clip exactly one row a frame, in order; k = 0 without pictures.

        Args:
            pixels: What `chunk.image` shows, at 120 px a side or more. Rows made of it and
                rows made of the stored picture have a cosine of 0.98 or more (pages of PDFs).

        Raises:
            InferenceError: A picture can't be decoded.
            FileNotFoundError: A picture is missing from the asset store.
        """
        if chunk.frames:
            return _rows([self._from_assets(frame.image) for frame in chunk.frames])
        if chunk.image is None:
            return _rows([])
        if pixels is None:
            pixels = self._from_assets(chunk.image)
        if chunk.kind in _PAGED:
            # Parts of pages look alike; ten rows a page would cost 17 KB and find none.
            return _rows([pixels])
        return _rows(list(_stored_views(pixels)))

    def _from_assets(self, ref: ImageRef) -> Pixels:
        return _decode(self._assets.read(ref), ref.width_px, ref.height_px)


def _from_query(image: EncodedImage) -> Pixels:
    return _decode(image.data, image.width_px, image.height_px)


def _decode(data: bytes, width_px: int, height_px: int) -> Pixels:
    # JPEG decodes several times as fast at a half or a quarter of its size.
    flag = cv2.IMREAD_COLOR
    if min(width_px, height_px) >= _SIDE_PX:
        longest_px = max(width_px, height_px)
        if longest_px >= 4 * _WORK_PX:
            flag = cv2.IMREAD_REDUCED_COLOR_4
        elif longest_px >= 2 * _WORK_PX:
            flag = cv2.IMREAD_REDUCED_COLOR_2
    error: cv2.error | None = None
    pixels = None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
    except cv2.error as caught:
        error = caught
    if pixels is None:
        raise InferenceError(
            f"A picture of {len(data)} bytes can't be decoded. Save it again as JPEG or PNG."
        ) from error
    return _shrunk(pixels)


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = _WORK_PX / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _stored_views(pixels: Pixels) -> Iterator[Pixels]:
    yield pixels
    height, width = pixels.shape[:2]
    h, w = max(1, round(height * _CROP_PART)), max(1, round(width * _CROP_PART))
    for y in np.linspace(0, height - h, _N_CROPS).round().astype(int):
        for x in np.linspace(0, width - w, _N_CROPS).round().astype(int):
            yield pixels[y : y + h, x : x + w]


def _query_views(pixels: Pixels) -> Iterator[Pixels]:
    upright = [pixels]
    freed = _without_border(pixels)
    if freed is not None:
        upright.append(freed)
    for view in upright:
        yield view
        yield cv2.flip(view, 1)
        for turn in _QUARTERS:
            yield cv2.rotate(view, turn)
    if freed is None:
        for degrees in _TILTS:
            yield _tilted(pixels, degrees)


def _tilted(pixels: Pixels, degrees: float) -> Pixels:
    """The largest rectangle of the same shape that has no blank corner after turning."""
    height, width = pixels.shape[:2]
    sin, cos = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    part = 1 / (cos + sin * max(height / width, width / height))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turned = cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    h, w = max(1, int(height * part)), max(1, int(width * part))
    y, x = (height - h) // 2, (width - w) // 2
    return np.asarray(turned[y : y + h, x : x + w], np.uint8)


def _without_border(pixels: Pixels) -> Pixels | None:
    """What lies on a plain canvas (bars beside it, or corners left by a turn), set
    upright; None where the corners have not one plain colour."""
    height, width = pixels.shape[:2]
    if min(height, width) < 16:
        return None
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)
    if np.ptp(corners, axis=0).max() > 24:
        return None
    apart = np.abs(pixels.astype(np.int16) - corners.mean(axis=0)).max(axis=2)
    mask = cv2.morphologyEx(
        (apart > 24).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    points = cv2.findNonZero(mask)
    if points is None:
        return None
    centre, (w, h), angle = cv2.minAreaRect(points)
    # Which of the four sides is the first differs between versions of OpenCV.
    quarters = round(angle / 90)
    angle -= 90 * quarters
    if quarters % 2:
        w, h = h, w
    filled = w * h / (width * height)
    if not 0.2 < filled < 0.97:
        return None
    matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
    turned = cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    inside = (max(1, round(w) - 2), max(1, round(h) - 2))
    return np.asarray(cv2.getRectSubPix(turned, inside, centre), np.uint8)


def _rows(views: Sequence[Pixels]) -> Float32Array:
    rows = np.empty((len(views), _DIM), np.float32)
    for row, view in zip(rows, views, strict=True):
        row[:] = _describe(view)
    return rows


def _describe(view: Pixels) -> Float32Array:
    small = cv2.resize(view, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    image = small.astype(np.float32)
    colours = cv2.resize(image, (_COLOUR_CELLS, _COLOUR_CELLS), interpolation=cv2.INTER_AREA)
    joined = np.concatenate(
        [
            _at_most_unit(_gradients(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)), _LAYOUT_FLOOR),
            _at_most_unit(_opponent(colours), _COLOUR_FLOOR) * np.float32(_COLOUR_WEIGHT),
        ]
    )
    length = np.float32(np.linalg.norm(joined))
    if length < _PLAIN:
        # Orthogonal to every layout, since those have mean 0.
        return np.full(_DIM, 1 / math.sqrt(_DIM), np.float32)
    return np.asarray(joined / length, np.float32)


def _gradients(grey: Float32Array) -> Float32Array:
    """``(_LAYOUT,)``: orientation histograms of the cells, weights spread to the nearest
    cells and orientations, square roots taken, each orientation less its mean."""
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
    # The last digit of OpenCV's magnitude depends on where in memory the picture lies.
    strength = np.sqrt(np.sqrt(dx * dx + dy * dy))
    place = (cv2.phase(dx, dy) % np.float32(np.pi)) * np.float32(_ORIENTATIONS / np.pi)
    distance = np.abs(place - _ORIENTATION)
    near = np.maximum(0, 1 - np.minimum(distance, _ORIENTATIONS - distance))
    spread = _spread_to_cells()
    histograms = np.sqrt(spread @ (strength * near) @ spread.T)
    histograms -= histograms.mean(axis=(1, 2), keepdims=True)
    return np.ravel(histograms)


@cache
def _spread_to_cells() -> Float32Array:
    """``(_CELLS, _SIDE_PX)``: one axis of a blur by half a cell, then the mean over each cell.
    On both axes it is what a blur and a reduction do, as two small matrix products."""
    blur = cv2.getGaussianKernel(4 * _CELL_PX + 1, _CELL_PX / 2, cv2.CV_32F)
    rows = cv2.sepFilter2D(np.eye(_SIDE_PX, dtype=np.float32), -1, np.ones(1, np.float32), blur)
    return np.asarray(rows.reshape(_CELLS, _CELL_PX, _SIDE_PX).mean(axis=1), np.float32)


def _opponent(colours: Float32Array) -> Float32Array:
    """``(_COLOUR,)``: brightness and two colour differences of the cells, each less its
    mean, so that one light over the whole picture drops out."""
    blue, green, red = np.moveaxis(np.sqrt(colours), 2, 0)
    channels = np.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue])
    channels -= channels.mean(axis=(1, 2), keepdims=True)
    return np.ravel(channels)


def _at_most_unit(vector: Float32Array, floor: float) -> Float32Array:
    return vector / np.float32(max(float(np.linalg.norm(vector)), floor))
