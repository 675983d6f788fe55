"""Edited pictures are found, others are not; on pictures drawn here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kb.errors import InferenceError
from kb.index.assets import AssetStore
from kb.models.encoders.picture import SAME_PICTURE_COSINE, PictureDescriptor
from kb.types import (
    Chunk,
    EncodedImage,
    Frame,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

Pixels = NDArray[np.uint8]


def draw(seed: int, width: int = 640, height: int = 480) -> Pixels:
    """A scene of coloured shapes and lines on a shaded ground."""
    rng = np.random.default_rng(seed)
    shade = np.linspace(*rng.uniform(40, 220, 2), width)[None, :, None]
    image = np.broadcast_to(shade * rng.uniform(0.6, 1.0, 3), (height, width, 3)).astype(np.uint8)
    image = np.ascontiguousarray(image)
    for _ in range(14):
        colour = rng.integers(0, 256, 3).tolist()
        x, y = int(rng.integers(width)), int(rng.integers(height))
        a, b = (int(v) for v in rng.integers(20, width // 4, 2))
        shape = rng.integers(3)
        if shape == 0:
            cv2.ellipse(image, (x, y), (a, b), int(rng.integers(180)), 0, 360, colour, -1)
        elif shape == 1:
            cv2.rectangle(image, (x, y), (x + a, y + b), colour, -1)
        else:
            cv2.line(image, (x, y), (x + a, y - b), colour, int(rng.integers(3, 20)))
    return image


def encode(pixels: Pixels, suffix: str = ".jpg") -> EncodedImage:
    height, width = pixels.shape[:2]
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    return EncodedImage(data, "image/png" if suffix == ".png" else "image/jpeg", width, height)


def _turn(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 7, 1.0)
    matrix[:, 2] += 40
    return np.asarray(cv2.warpAffine(image, matrix, (width + 80, height + 80)), np.uint8)


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "same": lambda image: image,
    "crop in the middle": lambda image: image[60:420, 80:560],
    "crop at a corner": lambda image: image[:370, :490],
    "small": lambda image: np.asarray(cv2.resize(image, (120, 90)), np.uint8),
    "dark": lambda image: (image * 0.5).astype(np.uint8),
    "grey": lambda image: np.repeat(image.mean(axis=2, keepdims=True), 3, 2).astype(np.uint8),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "quarter turn": lambda image: np.asarray(cv2.rotate(image, 0), np.uint8),
    "upside down": lambda image: np.ascontiguousarray(image[::-1, ::-1]),
    "turned on black": _turn,
    "with bars": lambda image: np.pad(image, ((90, 90), (0, 0), (0, 0))),
    "turned, with bars": lambda image: np.pad(np.rot90(image), ((0, 0), (99, 99), (0, 0))),
}


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path)


def image_chunk(ref: ImageRef) -> Chunk:
    return Chunk("0", "0", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=ref)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_picture_is_found_and_recognised(edit: str, assets: AssetStore) -> None:
    descriptor = PictureDescriptor(assets)
    stored = [descriptor.encode_chunk(image_chunk(assets.put(encode(draw(i))))) for i in range(12)]
    for wanted in (0, 5):
        query = descriptor.encode_query(Query(images=(encode(EDITS[edit](draw(wanted))),)))
        scores = np.array([(rows @ query.T).max() for rows in stored])
        assert scores.argmax() == wanted
        assert scores[wanted] >= SAME_PICTURE_COSINE - 0.08 * ("crop" in edit)
        assert np.delete(scores, wanted).max() < SAME_PICTURE_COSINE


def test_a_clip_has_one_row_a_frame_in_order(assets: AssetStore) -> None:
    pictures = [draw(i) for i in (3, 3, 4, 5)]
    frames = tuple(FrameRef(float(i), assets.put(encode(p))) for i, p in enumerate(pictures))
    chunk = Chunk("0", "0", 0, Kind.VIDEO, Modality.VIDEO, Locator(), frames=frames)
    rows = PictureDescriptor(assets).encode_chunk(chunk)
    query = PictureDescriptor(assets).encode_query(Query(images=(encode(draw(4)),)))
    assert len(rows) == 4
    np.testing.assert_array_equal(rows[0], rows[1])
    assert int((rows @ query.T).max(axis=1).argmax()) == 2


def test_a_picture_has_the_same_row_wherever_it_lies_in_memory(assets: AssetStore) -> None:
    chunk = image_chunk(assets.put(encode(draw(3))))
    descriptor = PictureDescriptor(assets)
    first = descriptor.encode_chunk(chunk)
    kept = []
    for n_bytes in range(1_000, 40_000, 1_013):
        kept.append(bytearray(n_bytes))
        np.testing.assert_array_equal(descriptor.encode_chunk(chunk), first)


def test_a_queried_clip_has_one_row_a_frame(assets: AssetStore) -> None:
    clip = tuple(Frame(float(i), encode(draw(i))) for i in range(3))
    assert PictureDescriptor(assets).encode_query(Query(clip=clip)).shape[0] == 3


def test_plain_pictures_resemble_nothing_but_each_other(assets: AssetStore) -> None:
    descriptor = PictureDescriptor(assets)
    noise = np.random.default_rng(0).normal(128, 3, (300, 400, 3)).astype(np.uint8)
    black, noisy, scene = (
        descriptor.encode_chunk(image_chunk(assets.put(encode(pixels))))
        for pixels in (np.zeros((300, 400, 3), np.uint8), noise, draw(1))
    )
    assert (black @ noisy.T).min() == pytest.approx(1, abs=1e-5)
    assert abs(black @ scene.T).max() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2), (17, 16)])
def test_every_size_has_a_vector(size: tuple[int, int], assets: AssetStore) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    picture = encode(pixels, ".png")
    descriptor = PictureDescriptor(assets)
    for rows in (
        descriptor.encode_query(Query(images=(picture,))),
        descriptor.encode_chunk(image_chunk(assets.put(picture))),
    ):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("side", [300, 700, 1500])
def test_a_large_picture_is_the_same_as_a_small_one(side: int, assets: AssetStore) -> None:
    descriptor = PictureDescriptor(assets)
    large = np.asarray(cv2.resize(draw(2), (side, side * 3 // 4)), np.uint8)
    a = descriptor.encode_chunk(image_chunk(assets.put(encode(large))))[0]
    b = descriptor.encode_chunk(image_chunk(assets.put(encode(draw(2)))))[0]
    assert float(a @ b) > 0.98


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.PDF])
def test_pixels_at_hand_stand_for_the_stored_picture(kind: Kind, assets: AssetStore) -> None:
    descriptor = PictureDescriptor(assets)
    small = np.asarray(cv2.resize(draw(2), (160, 120), interpolation=cv2.INTER_AREA), np.uint8)
    chunk = replace(image_chunk(assets.put(encode(draw(2)))), kind=kind)
    rows, expected = descriptor.encode_chunk(chunk, small), descriptor.encode_chunk(chunk)
    assert rows.shape == expected.shape
    assert (rows * expected).sum(axis=1).min() > 0.97
    # They are what is looked at: the stored picture may be gone.
    assets.path(chunk.pictures[0]).unlink()
    np.testing.assert_allclose(descriptor.encode_chunk(chunk, small), rows, atol=1e-5)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\x00" * 50])
def test_damaged_pictures_are_an_error(data: bytes, assets: AssetStore) -> None:
    picture = EncodedImage(data, "image/jpeg", 10, 10)
    with pytest.raises(InferenceError, match="can't be decoded"):
        PictureDescriptor(assets).encode_query(Query(images=(picture,)))


def test_a_missing_asset_is_not_hidden(assets: AssetStore) -> None:
    with pytest.raises(FileNotFoundError):
        PictureDescriptor(assets).encode_chunk(image_chunk(ImageRef("ab" * 32, "image/png", 9, 9)))
