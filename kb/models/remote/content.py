"""Content as vLLM takes it: parts of chat messages, pictures and frames as data URLs.

Source: vLLM's ``vllm/entrypoints`` (``chat_utils.py``, ``pooling/``) and
``vllm/multimodal/media/video.py``. A list of content objects is scored since 0.16; earlier releases
than those of mid-2026 pass over ``media_io_kwargs`` here and ``instruction`` when scoring.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any, Final

from PIL import Image

from kb.content import Content, Picture
from kb.models.qwen3_vl.prompts import CLIP_MARK, EMPTY, PICTURE_MARK, embedding_system
from kb.pixels import PixelBudget, UInt8Array, read_clip, read_picture
from kb.text.special_tokens import neutral

__all__ = ["AS_THEY_ARE", "embedding_body", "picture_url", "score_content"]

Json = dict[str, Any]

# Pictures are sent in the size they are shown in; resizing them again would change the vector
# (the published checkpoints' own processors enlarge what is below 65,536 pixels).
AS_THEY_ARE: Final[Json] = {"do_resize": False}

_BUDGET = PixelBudget()
_JPEG_QUALITY = 95
_FRAMES_A_STEP = 2
_TICKS_A_SECOND = 1000  # a frame's place is a whole number: milliseconds


def embedding_body(model: str, content: Content, instruction: str) -> Json:
    """The body for ``/v1/embeddings``: system, user, and an empty turn of the assistant that
    is left open, so that the prompt ends where the model was trained to be read.

    Raises:
        InferenceError: A picture can't be shown.
    """
    content = content.thinned(_BUDGET.max_frames)
    user = _visual_parts(content)
    if content.text or not user:
        user.append(_text(neutral(content.text) or EMPTY))
    body: Json = {
        "model": model,
        "messages": [
            {"role": "system", "content": [_text(embedding_system(instruction))]},
            {"role": "user", "content": user},
            {"role": "assistant", "content": [_text("")]},
        ],
        "encoding_format": "float",
        "continue_final_message": True,
        "add_special_tokens": True,
    }
    if content.pictures or content.clip:
        body["mm_processor_kwargs"] = AS_THEY_ARE
    if content.clip:
        body["media_io_kwargs"] = {"video": _clip_times(content)}
    return body


def score_content(content: Content) -> Json:
    """The object that stands for a question or a document at ``/v1/rerank``.

    The marks are written out before the words: where vLLM has to add them, older releases put
    line breaks between, which the model was not trained with. Scoring takes no times: a clip
    begins at 0 s there and has a frame a second.

    Raises:
        InferenceError: A picture can't be shown.
    """
    content = content.thinned(_BUDGET.max_frames)
    # vLLM replaces a mark by the picture's tokens; a clip's by all its pairs of frames.
    marks = CLIP_MARK * bool(content.clip) + PICTURE_MARK * len(content.pictures)
    words = (marks + neutral(content.text)) or EMPTY
    return {"content": [*_visual_parts(content), _text(words)]}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _visual_parts(content: Content) -> list[Json]:
    """Clips, then pictures."""
    parts: list[Json] = []
    if content.clip:
        parts.append({"type": "video_url", "video_url": {"url": _clip_url(content)}})
    parts += [
        {"type": "image_url", "image_url": {"url": picture_url(picture, _BUDGET)}}
        for picture in content.pictures
    ]
    return parts


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
        data = _encoded(pixels, "PNG" if is_png else "JPEG")
    kind = "png" if is_png else "jpeg"
    return f"data:image/{kind};base64,{_base64(data)}"


def _clip_url(content: Content) -> str:
    """vLLM's form for frames that are already sampled."""
    frames = [frame.picture for frame in content.clip]
    grid = _BUDGET.clip(frames[0].width_px, frames[0].height_px, len(frames))
    encoded = (_base64(_encoded(pixels, "JPEG")) for pixels in read_clip(frames, grid))
    return f"data:video/jpeg;base64,{','.join(encoded)}"


def _clip_times(content: Content) -> Json:
    """At which second each frame stands; the last one twice where their number is odd."""
    times_s = [frame.time_s for frame in content.clip]
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


def _encoded(pixels: UInt8Array, kind: str) -> bytes:
    buffer = BytesIO()
    # The colours of a JPEG whole, not one for four pixels. PNG takes neither setting.
    settings = {"quality": _JPEG_QUALITY, "subsampling": 0} if kind == "JPEG" else {}
    Image.fromarray(pixels).save(buffer, kind, **settings)
    return buffer.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
