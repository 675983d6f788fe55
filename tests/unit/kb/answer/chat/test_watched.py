from __future__ import annotations

import time
from collections.abc import Generator, Iterable

import pytest

from kb.answer.chat.watched import watched
from kb.errors import InferenceError


def deltas(pieces: Iterable[str], *, is_cut: bool = False) -> Generator[str, None, bool]:
    yield from pieces
    return is_cut


def read(stream: Generator[str, None, bool]) -> tuple[str, bool]:
    text = ""
    while True:
        try:
            text += next(stream)
        except StopIteration as end:
            return text, end.value


@pytest.mark.parametrize("is_cut", [True, False])
def test_what_is_written_passes_with_what_is_returned(is_cut: bool) -> None:
    said = ["The pump ", "hums ", "at 40 decibels [1]."]
    stream = watched(deltas(said, is_cut=is_cut), "m", 60.0)
    assert read(stream) == ("The pump hums at 40 decibels [1].", is_cut)


@pytest.mark.parametrize(
    "circle",
    ["the pump is the pump and ", "Hold the button [1].\n", "泵的噪音是", "a" * 299 + " "],
)
@pytest.mark.parametrize("n_chars", [1, 7, 4000])
def test_a_circle_is_ended(circle: str, n_chars: int) -> None:
    text = "It begins well. " + circle * (4000 // len(circle))
    pieces = [text[at : at + n_chars] for at in range(0, len(text), n_chars)]
    with pytest.raises(InferenceError, match="repeats itself"):
        read(watched(deltas(pieces), "m", 60.0))


@pytest.mark.parametrize(
    "text",
    [
        "| yes | no | no | no | no |\n|---|---|---|---|---|\n" + "-" * 400,
        "0" * 400,
        "".join(f"Step {n}: hold the button for {n} seconds. " for n in range(80)),
    ],
)
def test_what_only_looks_like_one_goes_on(text: str) -> None:
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    assert read(watched(deltas(pieces), "m", 60.0)) == (text, False)


def test_the_limit_holds_for_the_whole_text_and_ends_what_writes() -> None:
    ended = []

    def slow() -> Generator[str, None, bool]:
        try:
            for n in range(1000):
                time.sleep(0.01)
                yield f"{n} "
        finally:
            ended.append(True)
        return False

    with pytest.raises(InferenceError, match=r"0\.1 s .*answer_limit_s"):
        read(watched(slow(), "m", 0.1))
    assert ended == [True]
