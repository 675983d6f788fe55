"""What an earlier question leaves for the next one to go on from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Earlier", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question: its words, and their range of characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier question.

    Attributes:
        question: Without what ends it; understood, where it was a follow-up itself.
        subject: What it was about, with its place in `question`; None where it names nothing.
        topic: What a later "it" means: the subject; or what was found, where the question asked
            which thing it is ("Which lamp is the lightest?").
        action: What it asked how to do ("reset the lamp"), or empty.
    """

    question: str
    subject: Part | None
    topic: str
    action: str = ""
