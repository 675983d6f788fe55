"""Turns of a conversation, and how they are kept.

Each is kept as a JSON record of itself. What is read back is checked and cut: another version, or
another program, may have written it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Annotated

from PIL import Image
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from kb import Feedback, TextDelta
from kb.types import Answer, AnswerStatus, Citation, Claim, EncodedImage, Locator, Query
from ui.service.conversation import EarlierTurn

__all__ = ["Stage", "Turn", "read_turn", "thumbnail_data_uri"]

# What is over this was not written here.
_MAX_CHARACTERS = 1_000_000
# Far more than any answer has. What is shown of a turn must not grow as the product of two of its
# fields, nor hold numbers of a thousand digits.
_MAX_FILES = 100
_MAX_NAME_CHARS = 255
_MAX_SCOPE = 500
_MAX_TIMINGS = 50
_MAX_PICTURES = 8
_MAX_TEXT_CHARS = 100_000
_MAX_QUOTE_CHARS = 4_000
_MAX_SOURCE_CHARS = 4_096
_MAX_ID_CHARS = 100
_MAX_CITATIONS = 100
_MAX_CITATION = 999
_MAX_CLAIMS = 200
_MAX_CLAIM_NUMBERS = 20
_MAX_PAGE = 1_000_000
_MAX_VIDEO_S = 1e7

# Nothing else is shown in place of a picture: a kept turn makes the page load nothing.
_Thumbnail = Annotated[
    str, StringConstraints(pattern=r"^data:image/jpeg;base64,[A-Za-z0-9+/]+={0,2}$")
]


class Stage(StrEnum):
    """How far a turn came. One that is kept as RUNNING is being answered, or was cut off with the
    server."""

    RUNNING = "running"
    STOPPED = "stopped"
    WHOLE = "whole"


@dataclass
class Turn:
    """A question with its answer, as far as it has come.

    Attributes:
        number: From 1, in order.
        pictures: Thumbnails of the first pictures that were asked with, as data URIs.
        n_more_pictures: Pictures beside those.
        clip: A thumbnail of the clip's middle, likewise; None without a clip.
        text: The answer so far, as Markdown.
        status: None until the answer is whole.
        probability: That what was found answers; see `Answer`. Likewise `closest`.
        error: Why the question was not answered, or empty.
        mended: The question as it was answered, where its spelling was mended.
        understood: How a follow-up was understood; empty of other questions.
        is_from_files: See `Answer`. Likewise `note`.
        is_draft: The text is quotes, and a written answer is on its way.
        attachments: Names of the files that it was asked with.
        files: Where the page's uploads of them lie, for as long as they are kept.
        generator: As of `Service.ask`.
        scope: Where it was asked, as values of `ui.service.scope.scope_choices`; empty for the
            whole library.
        timings_ms: By stage.
        feedback: What was said of the answer; kept beside the record, not in it.
    """

    number: Annotated[int, Field(ge=1, le=1_000_000)]
    question: str
    pictures: tuple[_Thumbnail, ...] = ()
    n_more_pictures: Annotated[int, Field(ge=0, le=10_000)] = 0
    clip: _Thumbnail | None = None
    stage: Stage = Stage.RUNNING
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    status: AnswerStatus | None = None
    total_time_ms: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    claims: tuple[Claim, ...] = ()
    check_error: str = ""
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    closest: tuple[Citation, ...] = ()
    error: str = ""
    mended: str = ""
    understood: str = ""
    is_from_files: bool = True
    note: str = ""
    is_draft: bool = False
    attachments: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    generator: str = ""
    scope: tuple[str, ...] = ()
    timings_ms: dict[str, Annotated[float, Field(ge=0, le=1e9)]] = field(default_factory=dict)
    feedback: Annotated[Feedback | None, Field(exclude=True)] = None

    def attach(self, query: Query) -> None:
        """Show the pictures and the clip of the question."""
        self.pictures = tuple(map(thumbnail_data_uri, query.images[:_MAX_PICTURES]))
        self.n_more_pictures = len(query.images) - len(self.pictures)
        if query.clip:
            self.clip = thumbnail_data_uri(query.clip[len(query.clip) // 2].image)

    def answered(self, answer: Answer) -> None:
        """Take over a whole answer."""
        self.text = answer.text
        self.status = answer.status
        self.total_time_ms = answer.total_time_ms
        self.timings_ms = {**answer.timings_ms}
        self.claims = answer.claims
        self.check_error = answer.check_error
        self.probability = answer.probability
        self.closest = answer.closest
        self.mended = answer.query.text if answer.query.instead_of else ""
        self.is_from_files = answer.is_from_files
        self.note = answer.note
        self.is_draft = answer.is_draft
        self.citations = [*answer.citations]

    def take(self, event: TextDelta | Citation | Answer) -> None:
        """Take over what came of the answer just now."""
        match event:
            case TextDelta():
                self.begin_writing()
                self.text += event.text
            case Citation():
                self.begin_writing()
                self.citations.append(event)
            case Answer():
                self.answered(event)

    def begin_writing(self) -> None:
        """Take away the quotes, whose place the written answer takes."""
        if self.is_draft:
            self.text, self.citations, self.status, self.is_draft = "", [], None, False

    @property
    def answer(self) -> Answer | None:
        """The whole answer, without its hits; None before."""
        if self.status is None:
            return None
        return Answer(
            query=Query(text=self.question),
            text=self.text,
            status=self.status,
            citations=tuple(self.citations),
            hits=(),
            timings_ms=self.timings_ms,
            total_time_ms=self.total_time_ms,
            claims=self.claims,
            check_error=self.check_error,
            probability=self.probability,
            closest=self.closest,
            is_from_files=self.is_from_files,
            note=self.note,
            is_draft=self.is_draft,
        )

    @property
    def earlier(self) -> EarlierTurn:
        """The turn as a later one goes on from it."""
        cited = [{"id": one.chunk_id, "source": one.source} for one in self.citations]
        return EarlierTurn.model_validate(
            {
                "query": self.question,
                "understood": self.understood or None,
                "answer": self.text,
                "citations": cited,
            }
        )

    def record(self) -> str:
        """The turn as JSON, for `read_turn`."""
        return _TURN.dump_json(self, exclude_defaults=True).decode()


_TURN = TypeAdapter(Turn)


def read_turn(record: str) -> Turn | None:
    """The turn of a record; None where this version understands none in it. What no turn has is
    left out or cut."""
    if len(record) > _MAX_CHARACTERS:
        return None
    try:
        return _cut(_TURN.validate_json(record))
    except ValidationError:
        return None


def thumbnail_data_uri(image: EncodedImage, side_px: int = 160) -> str:
    """A small JPEG of a picture that the person sent, as a data URI."""
    with Image.open(io.BytesIO(image.data)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _cut(turn: Turn) -> Turn:
    return replace(
        turn,
        question=turn.question[:_MAX_TEXT_CHARS],
        pictures=turn.pictures[:_MAX_PICTURES],
        text=turn.text[:_MAX_TEXT_CHARS],
        citations=_cut_citations(turn.citations),
        closest=tuple(_cut_citations(turn.closest)),
        claims=tuple(
            replace(
                claim,
                text=claim.text[:_MAX_QUOTE_CHARS],
                numbers=tuple(filter(_is_number, claim.numbers[:_MAX_CLAIM_NUMBERS])),
            )
            for claim in turn.claims[:_MAX_CLAIMS]
            if 0 <= claim.start <= claim.end <= _MAX_TEXT_CHARS
        ),
        check_error=turn.check_error[:_MAX_QUOTE_CHARS],
        error=turn.error[:_MAX_QUOTE_CHARS],
        note=turn.note[:_MAX_QUOTE_CHARS],
        mended=turn.mended[:_MAX_QUOTE_CHARS],
        understood=turn.understood[:_MAX_QUOTE_CHARS],
        attachments=tuple(name[:_MAX_NAME_CHARS] for name in turn.attachments[:_MAX_FILES]),
        files=turn.files[:_MAX_FILES],
        timings_ms=dict(islice(turn.timings_ms.items(), _MAX_TIMINGS)),
        scope=tuple(one[:_MAX_SOURCE_CHARS] for one in turn.scope[:_MAX_SCOPE]),
    )


def _cut_citations(citations: Sequence[Citation]) -> list[Citation]:
    shown = [citation for citation in citations if _can_be_shown(citation)]
    return [
        replace(one, source=one.source[:_MAX_SOURCE_CHARS], quote=one.quote[:_MAX_QUOTE_CHARS])
        for one in shown[:_MAX_CITATIONS]
    ]


def _can_be_shown(citation: Citation) -> bool:
    return (
        _is_number(citation.number)
        and len(citation.chunk_id) <= _MAX_ID_CHARS
        and _is_place(citation.locator)
    )


def _is_number(number: int) -> bool:
    return 1 <= number <= _MAX_CITATION


def _is_place(locator: Locator) -> bool:
    """Whether its numbers are some that a document has; JSON can hold infinity."""
    page, seconds = locator.page, (locator.start_s, locator.end_s)
    return (page is None or 0 <= page <= _MAX_PAGE) and all(
        one is None or 0 <= one <= _MAX_VIDEO_S for one in seconds
    )
