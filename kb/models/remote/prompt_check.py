"""Whether a server reads what it is sent as the model was trained to be shown it.

A server that does not still answers: with numbers of another prompt. It is told by comparing two
requests that must come to one prompt, so nothing has to be known of the model's numbers or of its
tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image

from kb.content import ClipFrame, Picture
from kb.errors import InferenceError, ModelLoadError
from kb.models.qwen3_vl.prompts import chat_prompt
from kb.models.remote.content import Clip, Part, turns
from kb.models.remote.http import RefusedError
from kb.protocols import Float32Array
from kb.types import EncodedImage

__all__ = ["PromptCheck", "Reading", "probe_picture"]

Json = dict[str, Any]

_SYSTEM: Final = "Represent the user's input."
# In two parts: a server that joins them with a line break is found, too.
_WORDS: Final = ("How do I reset", " the device?")
# Between numbers of one prompt, read twice in bfloat16: a cosine of .999.
_SAME: Final = 0.045
_SMALL_PX: Final = 64
_MARKS: Final = 2
_SMALL_TOKENS: Final = 4 + _MARKS
# A frame that is shown as it is, alone and in a clip.
_FRAME_PX: Final = (384, 352)
# With four digits, so that a time that was passed over makes the prompt shorter.
_SECONDS: Final = (1000.0, 1001.0, 1002.0, 1003.0)
# So long that a mean over all tokens hardly feels the last one.
_N_REPEATED: Final = 60
_MOST_ALIKE: Final = 0.9995

_RESIZE: Final = """--mm-processor-kwargs '{"do_resize": false}'"""
_TEMPLATE: Final = "--chat-template configs/qwen3_vl.jinja"
_TRUST: Final = "--trust-request-mm-kwargs"
_HOW: Final = f"Start vLLM, 0.32 or later, with `{_TRUST}` and `{_TEMPLATE}`."


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server answers to one prompt.

    Attributes:
        numbers: float32 ``(n,)``: a vector of length 1, or a probability.
        n_tokens: Of the prompt; None where the server does not say.
    """

    numbers: Float32Array
    n_tokens: int | None


def probe_picture(width_px: int = _SMALL_PX, height_px: int = _SMALL_PX) -> Picture:
    """A small picture, always the same."""
    across = (np.arange(width_px) * 256 // width_px).astype(np.uint8)
    down = (np.arange(height_px) * 256 // height_px).astype(np.uint8)[:, None]
    pixels = np.stack(np.broadcast_arrays(down, across, across[::-1]), axis=-1)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return Picture.of(EncodedImage(buffer.getvalue(), "image/png", width_px, height_px))


class PromptCheck:
    """Asks one server, once.

    Args:
        model: As the server calls it.
        name: Of the server, for messages.
        ask: What it answers to a body with ``messages`` or with ``input``, a prompt as it is.
        pools: Whether numbers are a vector that is read at one token.
    """

    def __init__(
        self, model: str, name: str, ask: Callable[[Json], Reading], *, pools: bool
    ) -> None:
        self._model = model
        self._name = name
        self._ask = ask
        self._pools = pools
        self._clip_lock = threading.Lock()
        self._clip_problem: str | None = None

    def check(self) -> None:
        """Look at words and at a picture.

        Raises:
            InferenceError: As the server answers.
            ModelLoadError: The template, the pooling or the size of pictures is wrong; the
                message says which.
        """
        shown = self._read(*_WORDS)
        self._check_template(shown)
        if self._pools:
            self._check_pooling()
        self._check_size(shown)

    def clip_problem(self) -> str:
        """Why the server can't be sent clips, and what to do; empty where it can. It is looked
        at the first time.

        Raises:
            InferenceError, ModelLoadError: The server can't be asked.
        """
        with self._clip_lock:
            if self._clip_problem is None:
                self._clip_problem = self._look_at_clip()
            return self._clip_problem

    def _check_template(self, shown: Reading) -> None:
        literal = self._ask({"model": self._model, "input": chat_prompt(_SYSTEM, "".join(_WORDS))})
        if _alike(shown, literal):
            return
        counted = ""
        if shown.n_tokens != literal.n_tokens:
            counted = f" ({shown.n_tokens} tokens, where the prompt it was trained with has "
            counted += f"{literal.n_tokens})"
        raise self._wrong(
            f"shows the model other words around what it is asked{counted}, so its numbers mean "
            f"nothing. Start it with `{_TEMPLATE}`, or without `--chat-template` and "
            "`--chat-template-content-format`."
        )

    def _check_pooling(self) -> None:
        prompt = chat_prompt(_SYSTEM, "".join(_WORDS) * _N_REPEATED)
        whole, cut = (
            self._ask({"model": self._model, "input": one})
            for one in (prompt, prompt.removesuffix("\n"))
        )
        cosine = float(whole.numbers @ cut.numbers)
        if cosine <= _MOST_ALIKE:
            return
        raise self._wrong(
            f"does not read the vector at the last token: without it the vector is the same "
            f"(cosine {cosine:.4f}). Start it without `--pooler-config`, or with "
            """`--pooler-config '{"pooling_type": "LAST"}'`."""
        )

    def _check_size(self, shown: Reading) -> None:
        with_picture = self._read(probe_picture(), *_WORDS)
        if shown.n_tokens is None or with_picture.n_tokens is None:
            return
        n_tokens = with_picture.n_tokens - shown.n_tokens
        if n_tokens == _SMALL_TOKENS:
            return
        raise self._wrong(
            f"resizes pictures: one of {_SMALL_PX} x {_SMALL_PX} px is {n_tokens} tokens there "
            f"and should be {_SMALL_TOKENS}. Start it with `{_RESIZE}`."
        )

    def _look_at_clip(self) -> str:
        frame = probe_picture(*_FRAME_PX)
        clip = Clip(tuple(ClipFrame(second, frame) for second in _SECONDS))
        try:
            found = self._read(clip).n_tokens
        except RefusedError as error:
            return f"{self._name} takes no clips ({error.reason}). {_HOW}"
        except InferenceError as error:
            self._read(*_WORDS)  # raises where it is not the clip that is at fault
            return f"{error} It takes no clips. {_HOW}"
        # As many tokens: a picture for each pair of frames, after its second.
        steps = zip(_SECONDS[::2], _SECONDS[1::2], strict=True)
        parts = [
            part for first, second in steps
            for part in (f"<{(first + second) / 2:.1f} seconds>", frame)
        ]  # fmt: skip
        expected = self._read(*parts).n_tokens
        if found is None or expected is None:
            return (
                f"{self._name} does not say how many tokens a prompt has, so it can't be seen "
                "whether it shows clips as it should."
            )
        if found == expected:
            return ""
        problem = f"{self._name} shows clips wrongly: {found} tokens for {expected}. "
        if found == expected + _MARKS:
            return f"{problem}It leaves marks around each. Start it with `{_TEMPLATE}`."
        return (
            f"{problem}It drops or resizes frames, or passes over their times. Start it with "
            f"`{_TRUST}` and `{_RESIZE}`, and without `--video-pruning-rate`."
        )

    def _read(self, *parts: Part) -> Reading:
        return self._ask(turns(self._model, _SYSTEM, parts))

    def _wrong(self, what: str) -> ModelLoadError:
        return ModelLoadError(f"{self._name} {what}", model_id=self._model)


def _alike(first: Reading, second: Reading) -> bool:
    if first.n_tokens != second.n_tokens:
        return False
    return float(np.linalg.norm(first.numbers - second.numbers)) <= _SAME
