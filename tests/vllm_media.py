"""Pictures and frames as vLLM reads them from data URLs."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from PIL import Image

from kb.content import ClipFrame, Content, Picture
from kb.types import EncodedImage, Frame, Query

__all__ = ["BadRequestError", "as_query", "read_frames", "read_picture", "split_data_url"]

_DEFAULT_FRAMES, _CELL_PX = 32, 32
_LEAST_PX = 256  # of a side: the published checkpoints' processors show no fewer

Json = dict[str, Any]


class BadRequestError(Exception):
    """What vLLM answers 400 to."""


def split_data_url(url: str) -> tuple[str, str]:
    """The media type, and what follows the comma."""
    scheme, _, rest = url.partition(":")
    assert scheme == "data", "nothing is fetched"
    kind, _, data = rest.partition(",")
    return kind.removesuffix(";base64"), data


def read_picture(data: str, resizes: bool) -> Picture:
    """As ``ImageMediaIO.load_base64``, then the processor's resizing of what is small."""
    raw = base64.b64decode(data, validate=True)
    try:
        image = Image.open(BytesIO(raw))
        image.load()
    except OSError as error:
        raise BadRequestError("Failed to load image") from error
    assert not image.width % _CELL_PX
    assert not image.height % _CELL_PX
    if resizes and image.width * image.height < _LEAST_PX**2:
        image = image.resize((_LEAST_PX, _LEAST_PX), Image.Resampling.BICUBIC)
        buffer = BytesIO()
        image.save(buffer, "PNG")
        return Picture.of(EncodedImage(buffer.getvalue(), "image/png", *image.size))
    media_type = f"image/{(image.format or '').lower()}"
    return Picture.of(EncodedImage(raw, media_type, image.width, image.height))


def read_frames(data: str, kwargs: Json, resizes: bool) -> tuple[ClipFrame, ...]:
    """As ``VideoMediaIO.load_base64``."""
    n_frames = kwargs.get("num_frames", _DEFAULT_FRAMES)
    frames = data.split(",") if n_frames < 0 else data.split(",", n_frames)[:n_frames]
    indices = kwargs.get("frames_indices", list(range(len(frames))))
    if len(indices) != len(frames) or not all(isinstance(one, int) for one in indices):
        raise BadRequestError("frames_indices length must match number of frames sent")
    if kwargs.get("total_num_frames", len(frames)) < len(frames):
        raise BadRequestError("total_num_frames must be >= number of frames sent")
    assert not kwargs.get("do_sample_frames", False)
    fps = float(kwargs.get("fps", 1))
    return tuple(
        ClipFrame(index / fps, read_picture(frame, resizes))
        for index, frame in zip(indices, frames, strict=True)
    )


def as_query(content: Content, instruction: str) -> Query:
    """`content` as a question, so that it can be given to the encoder under any instruction."""

    def image(one: Picture) -> EncodedImage:
        return EncodedImage(one.read(), "image/png", one.width_px, one.height_px)

    return Query(
        content.text if content.text != "NULL" else "",
        tuple(image(one) for one in content.pictures),
        tuple(Frame(frame.time_s, image(frame.picture)) for frame in content.clip),
        instruction,
    )
