"""Content as vLLM takes it: turns of a chat, with pictures and frames as data URLs.

Source: vLLM's ``vllm/entrypoints/pooling``, ``vllm/multimodal/media/video.py`` and
``vllm/model_executor/models/qwen3_vl.py``, 0.16 to 0.32. A server takes ``media_io_kwargs`` of a
request since mid-2026, where it was started with ``--trust-request-mm-kwargs``; nothing else can
tell it when a frame was. Sizes are the server's own affair: pictures are sent in the size they are
to be shown in, and it must have been started so that it leaves them as they are.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, Final

from PIL import Image

from kb.content import ClipFrame, Content, Picture
from kb.models.qwen3_vl.prompts import EMPTY, JUDGE, embedding_system
from kb.pixels import PixelBudget, UInt8Array, read_clip, read_picture
from kb.text.special_tokens import neutral

__all__ = ["Clip", "RerankQuery", "embedding_body", "picture_url", "turns"]

Json = dict[str, Any]

_BUDGET: Final = PixelBudget()
_JPEG_QUALITY: Final = 95
# Frames are many; the smallest file is not worth a second of the processor.
_PNG_LEVEL: Final = 1
_FRAMES_A_STEP: Final = 2
_TICKS_A_SECOND: Final = 1000  # a frame's place is a whole number: milliseconds


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames that are shown as one clip."""

    frames: tuple[ClipFrame, ...]


Part = str | Picture | Clip


def embedding_body(model: str, content: Content, instruction: str) -> Json:
    """The body for ``/v1/embeddings``.

    Raises:
        InferenceError: A picture can't be shown.
    """
    body = turns(model, embedding_system(instruction), _parts(content))
    return {**body, "encoding_format": "float"}


class RerankQuery:
    """A question, made ready once for all documents that are judged by it.

    Args:
        model: As the server calls it.
        content: Of the question.
        instruction: The task by which a document is judged.
        takes_clips: Whether the server does; else all clips are shown as pictures, the first frame
            of each pair after its second.

    Raises:
        InferenceError: A picture of the question can't be shown.
    """

    def __init__(
        self, model: str, content: Content, instruction: str, *, takes_clips: bool
    ) -> None:
        self._model = model
        self._content = content.thinned(_BUDGET.max_frames)
        self._takes_clips = takes_clips
        self._instruct = f"<Instruct>: {neutral(instruction)}<Query>:"
        self._sent = _sent(_parts(self._content, takes_clips=takes_clips))

    def body(self, document: Content) -> Json:
        """The body for ``/classify``: how probable it is that `document` answers.

        Not that for ``/v1/rerank``, which takes no times of frames. All clips of a request have
        one list of times there, so beside a document's clip that of a question is shown as
        pictures where its times are others.

        Raises:
            InferenceError: A picture of the document can't be shown.
        """
        document = document.thinned(_BUDGET.max_frames)
        asked = self._sent
        have_clips = self._takes_clips and document.clip and self._content.clip
        if have_clips and _seconds(document) != _seconds(self._content):
            asked = self._without_clip
        user = [
            _text(self._instruct),
            *asked,
            _text("\n<Document>:"),
            *_sent(_parts(document, takes_clips=self._takes_clips)),
        ]
        clip = (document.clip or self._content.clip) if self._takes_clips else ()
        return _turns(self._model, JUDGE, user, clip)

    @cached_property
    def _without_clip(self) -> list[Json]:
        return _sent(_parts(self._content, takes_clips=False))


def turns(model: str, system: str, parts: Sequence[Part]) -> Json:
    """System, user, and a turn of the assistant that is left open, so that the prompt ends
    where the model was trained to be read.

    Args:
        model: As the server calls it.
        system: Words without special tokens.
        parts: Of the user's turn, in order; words without special tokens.

    Raises:
        InferenceError: A picture can't be shown.
    """
    clips = [part.frames for part in parts if isinstance(part, Clip)]
    return _turns(model, system, _sent(parts), clips[0] if clips else ())


def picture_url(picture: Picture, budget: PixelBudget) -> str:
    """A data URL of `picture` in the size that `budget` shows it in: PNG stays PNG.

    Raises:
        InferenceError: It can't be shown.
    """
    grid = budget.picture(picture.width_px, picture.height_px)
    pixels = read_picture(picture, grid)[0]
    data = picture.read()
    is_png, is_jpeg = data.startswith(b"\x89PNG"), data.startswith(b"\xff\xd8")
    if grid.size_px != (picture.width_px, picture.height_px) or not (is_png or is_jpeg):
        # What lost nothing so far, such as a drawing, loses nothing now.
        data = _png(pixels) if is_png else _jpeg(pixels)
    kind = "png" if is_png else "jpeg"
    return f"data:image/{kind};base64,{_base64(data)}"


def _turns(model: str, system: str, user: list[Json], clip: tuple[ClipFrame, ...]) -> Json:
    body: Json = {
        "model": model,
        "messages": [
            {"role": "system", "content": [_text(system)]},
            {"role": "user", "content": user},
            {"role": "assistant", "content": [_text("")]},
        ],
        "continue_final_message": True,
        "add_special_tokens": True,
    }
    if clip:
        body["media_io_kwargs"] = {"video": _times(clip)}
    return body


def _parts(content: Content, *, takes_clips: bool = True) -> list[Part]:
    """Clip, pictures, words; or what stands for nothing at all."""
    content = content.thinned(_BUDGET.max_frames)
    parts: list[Part] = []
    if content.clip:
        parts = [Clip(content.clip)] if takes_clips else _timed_pictures(content.clip)
    parts += content.pictures
    if content.text or not parts:
        parts.append(neutral(content.text) or EMPTY)
    return parts


def _timed_pictures(frames: tuple[ClipFrame, ...]) -> list[Part]:
    """The first frame of each pair after the second in its middle."""
    steps = zip(frames[::2], [*frames[1::2], frames[-1]], strict=False)
    return [
        part
        for first, second in steps
        for part in (f"<{(first.time_s + second.time_s) / 2:.1f} seconds>", first.picture)
    ]


def _seconds(content: Content) -> list[float]:
    return [frame.time_s for frame in content.clip]


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _sent(parts: Sequence[Part]) -> list[Json]:
    found: list[Json] = []
    for part in parts:
        match part:
            case Clip():
                found.append({"type": "video_url", "video_url": {"url": _clip_url(part)}})
            case Picture():
                url = picture_url(part, _BUDGET)
                found.append({"type": "image_url", "image_url": {"url": url}})
            case str():
                found.append(_text(part))
    return found


def _clip_url(clip: Clip) -> str:
    """vLLM's form for frames that are already sampled. It is called JPEG and read by Pillow,
    which goes by what the bytes are."""
    frames = [frame.picture for frame in clip.frames]
    grid = _BUDGET.clip(frames[0].width_px, frames[0].height_px, len(frames))
    encoded = (_base64(_png(pixels)) for pixels in read_clip(frames, grid))
    return f"data:video/jpeg;base64,{','.join(encoded)}"


def _times(frames: tuple[ClipFrame, ...]) -> Json:
    """At which second each frame stands; the last one twice where their number is odd."""
    times_s = [frame.time_s for frame in frames]
    times_s += times_s[-1:] * (len(times_s) % _FRAMES_A_STEP)
    places = [round(time_s * _TICKS_A_SECOND) for time_s in times_s]
    return {
        # Without a number, vLLM keeps the first 32 frames.
        "num_frames": len(places),
        "fps": _TICKS_A_SECOND,
        "frames_indices": places,
        "total_num_frames": max(places[-1] + 1, len(places)),
        "do_sample_frames": False,
    }


def _png(pixels: UInt8Array) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def _jpeg(pixels: UInt8Array) -> bytes:
    buffer = BytesIO()
    # The colours whole, not one for four pixels.
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
