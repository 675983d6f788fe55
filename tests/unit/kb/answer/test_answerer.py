from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import made_tables
import pytest

from kb.answer.answerer import Answerer
from kb.answer.tables.answers import TableAnswers
from kb.errors import InferenceError, KnowledgeBaseError
from kb.protocols import GeneratorEvent, Note, Quote, Relevance, TextDelta
from kb.types import (
    Answer,
    AnswerStatus,
    Box,
    Chunk,
    Citation,
    Claim,
    EncodedImage,
    Hit,
    Kind,
    Locator,
    Modality,
    Query,
    Span,
)

_LINES = (
    Span(0, 5, Locator(page=2, boxes=(Box(0, 0, 9, 1),))),
    Span(6, 11, Locator(page=2, boxes=(Box(0, 1, 9, 2),))),
    Span(12, 17, Locator(page=2, boxes=(Box(0, 2, 9, 3),))),
)
_CHUNK = Chunk(
    id="c",
    document_sha256="d",
    ordinal=0,
    kind=Kind.PDF,
    modality=Modality.TEXT,
    locator=Locator(page=2, boxes=(Box(0, 0, 9, 3),)),
    text="first\nsecon\nthird",
    spans=_LINES,
)


class Script:
    def __init__(self, *events: GeneratorEvent) -> None:
        self.events = events

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        yield from self.events


class Shelf:
    def __init__(self, *chunks: Chunk) -> None:
        self.known = {chunk.id: chunk for chunk in chunks}

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        return {key: self.known[key] for key in ids if key in self.known}


def answer(
    *events: GeneratorEvent, hit: Hit | None = None, folded: Sequence[Chunk] = ()
) -> list[TextDelta | Citation | Answer]:
    hits = [hit or Hit(_CHUNK, "m.pdf")]
    return list(Answerer(Script(*events), Shelf(*folded)).stream(Query(text="q"), hits))


def last(items: list[TextDelta | Citation | Answer]) -> Answer:
    assert isinstance(items[-1], Answer)
    return items[-1]


def test_a_quote_becomes_a_citation_of_its_lines() -> None:
    items = answer(Quote(1, 0, 8, 14), TextDelta("Said [1]"), AnswerStatus.ANSWERED)
    citation = items[0]
    assert isinstance(citation, Citation)
    assert citation.quote == "con\nth"
    assert citation.source == "m.pdf"
    assert citation.locator == Locator(page=2, boxes=(Box(0, 1, 9, 2), Box(0, 2, 9, 3)))
    done = last(items)
    assert (done.text, done.citations, done.status) == (
        "Said [1]",
        (citation,),
        AnswerStatus.ANSWERED,
    )
    assert set(done.timings_ms) == {"generate"}


def test_what_was_folded_into_a_hit_can_be_quoted() -> None:
    folded = [
        replace(_CHUNK, id="late", ordinal=5, text="steps"),
        replace(_CHUNK, id="page", ordinal=4, text="", spans=()),
        replace(_CHUNK, id="early", ordinal=3, text="other"),
    ]
    hit = Hit(_CHUNK, "m.pdf", also=("late", "page", "early", "gone"))
    events = (Quote(1, 2, 0, 5), TextDelta("So [1]"), AnswerStatus.ANSWERED)
    done = last(answer(*events, hit=hit, folded=folded))
    (citation,) = done.citations
    assert (citation.chunk_id, citation.quote, citation.source) == ("late", "steps", "m.pdf")
    assert citation.locator.boxes == _LINES[0].locator.boxes
    assert done.hits == (hit,)


def test_numbers_that_nothing_stands_behind_are_left_out_even_in_pieces() -> None:
    pieces = [TextDelta(piece) for piece in ("So [", "1", "] and [2", "7] and ", r"\[3\] [x]")]
    done = last(answer(Quote(1, 0, 0, 5), *pieces, AnswerStatus.ANSWERED))
    assert done.text == r"So [1] and  and \[3\] [x]"


def test_the_deltas_make_the_text() -> None:
    items = answer(Quote(1, 0, 0, 5), TextDelta("a [1"), TextDelta("] b ["), AnswerStatus.ANSWERED)
    deltas = [item.text for item in items if isinstance(item, TextDelta)]
    assert "".join(deltas) == last(items).text == "a [1] b ["


def test_a_citation_that_is_never_named_is_left_out() -> None:
    events = (Quote(1, 0, 0, 5), Quote(2, 0, 6, 11), TextDelta("x [2]"), AnswerStatus.ANSWERED)
    assert [citation.number for citation in last(answer(*events)).citations] == [2]


@pytest.mark.parametrize(
    "events",
    [
        (TextDelta("x"),),
        (AnswerStatus.ANSWERED, TextDelta("x")),
        (Quote(1, 0, 0, 99), AnswerStatus.ANSWERED),
        (Quote(1, 0, 0, 1), Quote(1, 0, 2, 3), AnswerStatus.ANSWERED),
    ],
)
def test_a_generator_that_breaks_its_contract_is_seen(events: tuple[GeneratorEvent, ...]) -> None:
    with pytest.raises(RuntimeError):
        answer(*events)


def test_a_picture_as_a_whole_is_cited_at_its_second() -> None:
    clip = Chunk(
        id="v",
        document_sha256="d",
        ordinal=0,
        kind=Kind.VIDEO,
        modality=Modality.VIDEO,
        locator=Locator(start_s=64, end_s=128),
    )
    events = (Quote(1, 0, 0, 0), TextDelta("[1]"), AnswerStatus.ANSWERED)
    done = last(answer(*events, hit=Hit(clip, "v.mp4", picture=1.0, time_s=70)))
    assert done.citations[0].locator == Locator(start_s=70, end_s=128)


class Checks:
    def __init__(self, error: KnowledgeBaseError | None = None) -> None:
        self.error = error
        self.seen: list[tuple[str, dict[int, str]]] = []

    def check(
        self, text: str, cited: Mapping[int, Chunk], sources: Sequence[Chunk]
    ) -> tuple[Claim, ...]:
        self.seen.append((text, {number: chunk.id for number, chunk in cited.items()}))
        if self.error:
            raise self.error
        return (Claim(text, 0, len(text), tuple(cited), 0.5, is_weak=True),)


def checked(
    checks: Checks, *events: GeneratorEvent, hit: Hit | None = None, folded: Sequence[Chunk] = ()
) -> list[TextDelta | Citation | Answer]:
    answerer = Answerer(Script(*events), Shelf(*folded), checks)
    return list(answerer.stream(Query(text="q"), [hit or Hit(_CHUNK, "m.pdf")]))


def test_the_answer_comes_whole_before_its_claims_are_checked() -> None:
    checks = Checks()
    items = checked(checks, Quote(1, 0, 0, 5), TextDelta("So [1]"), AnswerStatus.ANSWERED)
    first, second = items[-2:]
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.text, first.claims, set(first.timings_ms)) == ("So [1]", (), {"generate"})
    assert [claim.is_weak for claim in second.claims] == [True]
    assert set(second.timings_ms) == {"generate", "check"}
    assert second.total_time_ms > first.total_time_ms
    assert replace(second, claims=(), timings_ms={}, total_time_ms=0) == replace(
        first, timings_ms={}, total_time_ms=0
    )


def test_claims_are_judged_by_the_part_that_is_cited() -> None:
    checks = Checks()
    folded = [replace(_CHUNK, id="early", ordinal=3, text="other")]
    events = (Quote(1, 1, 0, 5), TextDelta("So [1]"), AnswerStatus.ANSWERED)
    checked(checks, *events, hit=Hit(_CHUNK, "m.pdf", also=("early",)), folded=folded)
    assert checks.seen == [("So [1]", {1: "early"})]


def test_an_answer_that_cites_nothing_is_not_checked() -> None:
    checks = Checks()
    items = checked(checks, TextDelta("Nothing."), AnswerStatus.NO_EVIDENCE)
    assert checks.seen == []
    assert len([item for item in items if isinstance(item, Answer)]) == 1


def test_an_answer_outlives_a_check_that_fails() -> None:
    checks = Checks(InferenceError("The server is down."))
    done = last(checked(checks, Quote(1, 0, 0, 5), TextDelta("So [1]"), AnswerStatus.ANSWERED))
    assert (done.text, done.claims, done.check_error) == ("So [1]", (), "The server is down.")


class TestTables:
    STOCK = "Article|Depot|In stock\nRope|North|8\nLantern|South|5\nAnchor|North|12"

    def asked(self, text: str) -> list[TextDelta | Citation | Answer]:
        shelf = made_tables.Shelf()
        shelf.add(self.STOCK, "Stock", source="stock.csv")
        written = Script(TextDelta("from the passages"), AnswerStatus.ANSWERED)
        answerer = Answerer(written, shelf, tables=TableAnswers(shelf))
        return list(answerer.stream(Query(text=text), shelf.hits))

    def test_what_a_table_answers_is_not_written(self) -> None:
        items = self.asked("How many ropes are in stock?")
        said = last(items)
        assert said.text == "In stock: 8 — Rope [1]"
        (citation,) = said.citations
        assert (citation.source, citation.quote) == ("stock.csv", "Rope|North|8")

    def test_what_none_answers_is(self) -> None:
        assert last(self.asked("Why are ropes in stock?")).text == "from the passages"

    def test_what_is_computed_is_not_checked_against_what_it_was_computed_from(self) -> None:
        shelf = made_tables.Shelf()
        shelf.add(self.STOCK, "Stock")
        checks = Checks()
        answerer = Answerer(Script(), shelf, checks, TableAnswers(shelf))
        items = list(answerer.stream(Query(text="total in stock in North"), shelf.hits))
        assert last(items).text.startswith("20 (sum of In stock over 2 rows)")
        assert sum(isinstance(item, Answer) for item in items) == 1


class TestQuotesFirst:
    QUOTED = (
        Quote(1, 0, 0, 5),
        Relevance(0.9),
        TextDelta("first [1]"),
        AnswerStatus.ANSWERED,
    )
    WRITTEN = (Quote(1, 0, 6, 11), TextDelta("It is second [1]"), AnswerStatus.ANSWERED)

    def asked(
        self,
        quotes: Sequence[GeneratorEvent],
        written: Sequence[GeneratorEvent],
        query: Query | None = None,
        *,
        is_written: bool = True,
    ) -> list[TextDelta | Citation | Answer]:
        answerer = Answerer(Script(*written), Shelf(), quotes=Script(*quotes))
        query = query or Query(text="q")
        return list(answerer.stream(query, [Hit(_CHUNK, "m.pdf")], is_written=is_written))

    def test_they_are_a_draft_and_the_written_answer_the_last(self) -> None:
        draft, citation, delta, done = self.asked(self.QUOTED, self.WRITTEN)
        assert isinstance(draft, Answer)
        assert (draft.text, draft.is_draft) == ("first [1]", True)
        assert isinstance(citation, Citation)
        assert isinstance(delta, TextDelta)
        assert isinstance(done, Answer)
        assert (done.text, done.is_draft, done.note) == ("It is second [1]", False, "")
        assert done.probability == 0.9
        assert set(done.timings_ms) == {"quote", "generate"}

    def test_nothing_is_written_where_none_answers(self) -> None:
        nothing = (TextDelta("Nothing."), AnswerStatus.NO_EVIDENCE)
        items = self.asked(nothing, ())  # the writer would be an error: it has no status
        assert [type(item) for item in items] == [TextDelta, Answer]
        assert (last(items).text, last(items).status) == ("Nothing.", AnswerStatus.NO_EVIDENCE)

    def test_nor_where_quotes_are_wanted_alone(self) -> None:
        items = self.asked(self.QUOTED, (), is_written=False)
        assert [type(item) for item in items] == [Citation, TextDelta, Answer]
        assert (last(items).text, last(items).is_draft) == ("first [1]", False)

    @pytest.mark.parametrize("n_before", [0, 2])
    def test_they_stand_with_the_reason_where_writing_fails(self, n_before: int) -> None:
        class Failing(Script):
            def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
                yield from self.events
                raise InferenceError("The server died. Start it again.", model_id="m")

        writer = Failing(*self.WRITTEN[:n_before])
        answerer = Answerer(writer, Shelf(), Checks(), quotes=Script(*self.QUOTED))
        done = last(list(answerer.stream(Query(text="q"), [Hit(_CHUNK, "m.pdf")])))
        assert (done.text, done.is_draft) == ("first [1]", False)
        assert done.note == "The server died. Start it again."
        assert [citation.quote for citation in done.citations] == ["first"]
        assert done.claims == ()

    def test_they_stand_where_the_model_finds_nothing(self) -> None:
        done = last(self.asked(self.QUOTED, (TextDelta("No."), AnswerStatus.NO_EVIDENCE)))
        assert (done.text, done.status) == ("first [1]", AnswerStatus.ANSWERED)
        assert "no answer that cites a source" in done.note

    def test_what_only_a_picture_tells_is_asked_without_them(self) -> None:
        nothing = (TextDelta("Nothing."), AnswerStatus.NO_EVIDENCE)
        picture = EncodedImage(b"", "image/png", 1, 1)
        items = self.asked(nothing, self.WRITTEN, Query(text="q", images=(picture,)))
        assert last(items).text == "It is second [1]"
        assert not any(isinstance(item, Answer) and item.is_draft for item in items)

    def test_a_note_is_kept(self) -> None:
        noted = (Note("The pictures were not shown."), *self.WRITTEN)
        assert last(self.asked(self.QUOTED, noted)).note == "The pictures were not shown."
