"""A model's text as it is written, for as long as it is worth waiting for."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from typing import Final

from kb.errors import InferenceError

__all__ = ["too_slow", "watched"]

_MAX_PERIOD: Final = 300  # characters of what is said again and again
_MIN_REPEATS: Final = 4
_MIN_REPEATED: Final = 160  # so that no row of a table is taken for a loop
_STEP: Final = 40  # characters after which it is looked for anew
_HELD: Final = max(_MAX_PERIOD * _MIN_REPEATS, _MIN_REPEATED)


def watched(
    deltas: Generator[str, None, bool], model: str, limit_s: float
) -> Generator[str, None, bool]:
    """`deltas`, and what they return, unless they go round in a circle or take too long.

    Args:
        model: The name, for messages.
        limit_s: For the whole text.

    Raises:
        InferenceError: The same words come for the fourth time in a row, or the text is not whole
            within `limit_s`.
    """
    start_s = time.monotonic()
    tail = ""
    n_new = 0
    with closing(deltas):
        while True:
            try:
                delta = next(deltas)
            except StopIteration as end:
                return bool(end.value)
            yield delta
            tail = (tail + delta)[-_HELD:]
            n_new += len(delta)
            if n_new >= _STEP:
                n_new = 0
                if _goes_round(tail):
                    raise InferenceError(
                        f"{model} repeats itself and was stopped. Ask in other words, or choose a "
                        "larger model.",
                        model_id=model,
                    )
            if time.monotonic() - start_s > limit_s:
                raise too_slow(model, limit_s)


def too_slow(model: str, limit_s: float) -> InferenceError:
    """The error for a text that was not whole within `limit_s`."""
    return InferenceError(
        f"{model} had not ended its answer after {limit_s:g} s and was stopped. Choose "
        "a smaller model, or raise generator.answer_limit_s in kb.yaml.",
        model_id=model,
    )


def _goes_round(tail: str) -> bool:
    """Whether a text ends in one and the same stretch again and again."""
    for period in range(1, min(_MAX_PERIOD, len(tail) // _MIN_REPEATS) + 1):
        length = max(period * _MIN_REPEATS, _MIN_REPEATED)
        if length > len(tail) or tail[-1] != tail[-1 - period]:
            continue
        end = tail[-length:]
        # What has no letter is a line that is drawn, or a number.
        if end[period:] == end[:-period] and any(map(str.isalpha, end[:period])):
            return True
    return False
