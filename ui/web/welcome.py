"""What an empty conversation shows: what can be asked, or how to add files."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kb import DocumentStatus, FileQuery, FileRow
from kb.errors import KnowledgeBaseError
from kb.text.terms import Language, language, terms
from kb.types import Chunk, Kind
from ui.language import ntr, tr
from ui.service.service import Service
from ui.web.html.render import escape, icon

__all__ = ["Welcome", "as_question", "best_question"]

_N_SUGGESTIONS = 4
_N_OF_A_KIND = 3
# Where a document says what it is about.
_N_CHUNKS = 64
_MAX_CHARACTERS = 80
_WITH_HEADINGS = (Kind.PDF, Kind.HTML, Kind.OFFICE, Kind.EBOOK, Kind.TEXT)
_ASKED = {Language.ENGLISH: "What does “{}” say?", Language.CHINESE: "《{}》讲了什么？"}
# "What is in the box", but not "What we repaired".
_IS_QUESTION = re.compile(
    r"(?:what|which|who|where|when|why|how) (?:am|is|are|was|were|do|does|did|can|should|will)\b",
    re.IGNORECASE,
)


class _Suggestion(NamedTuple):
    question: str
    source: str
    document_sha256: str


class Welcome:
    """The first view of the Chat page, with questions taken from the library's headings."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._suggestions: list[_Suggestion] = []
        self._looked_at: set[str] = set()
        self._looking = threading.Lock()

    def html(self) -> str:
        """The view as it is now."""
        ledger = self._service.kb.ledger
        counts = ledger.count_files(FileQuery(waiting=self._service.syncer.waiting()))
        n_indexed = sum(
            counts[status].n_files
            for status in (DocumentStatus.INDEXED, DocumentStatus.PARTIAL)
            if status in counts
        )
        if not counts:
            add = tr(
                "Add PDFs, pictures, videos, web pages, office files or text. They are read on "
                "this computer and can be asked about as soon as they are indexed."
            )
            return (
                f'<section class="kb-welcome kb-welcome-empty">{icon("empty")}'
                f"<h2>{escape(tr('Your library is empty'))}</h2><p>{escape(add)}</p>"
                '<button type="button" class="kb-button" data-goto="library">'
                f"{escape(tr('Add files'))}</button></section>"
            )
        if not n_indexed:
            wait = tr(
                "Questions can be asked as soon as the first file is indexed. The Library page "
                "shows how far it is."
            )
            return (
                f'<section class="kb-welcome kb-welcome-empty">{icon("empty")}'
                f"<h2>{escape(tr('Reading your files'))}</h2><p>{escape(wait)}</p>"
                '<button type="button" class="kb-button" data-goto="library">'
                f"{escape(tr('Show progress'))}</button></section>"
            )
        questions = "".join(
            f'<button type="button" class="kb-suggestion" data-ask="{escape(found.question)}">'
            f"<span>{escape(found.question)}</span>"
            f'<span class="kb-muted">{escape(found.source)}</span></button>'
            for found in self._suggested()
        )
        where = ntr(
            "Answers come from your {n} file, and every claim opens at its page, picture or "
            "second.",
            "Answers come from your {n} files, and every claim opens at its page, picture or "
            "second.",
            n_indexed,
        )
        return (
            f'<section class="kb-welcome"><h2>{escape(tr("What would you like to know?"))}</h2>'
            f"<p>{escape(where)}</p>"
            f'<div class="kb-suggestions">{questions}</div></section>'
        )

    def _suggested(self) -> list[_Suggestion]:
        """A question each about a few documents of different kinds. They stay while their
        documents do, so that they do not change under the person's hand."""
        # While another page's thread looks for more, there are those found so far.
        if self._looking.acquire(blocking=False):
            try:
                self._look_for_more()
            finally:
                self._looking.release()
        return self._suggestions

    def _look_for_more(self) -> None:
        document = self._service.document
        found = [one for one in self._suggestions if document(one.document_sha256) is not None]
        for row in self._candidates() if len(found) < _N_SUGGESTIONS else ():
            if row.sha256 is None or row.sha256 in self._looked_at:
                continue
            self._looked_at.add(row.sha256)
            question = self._question(row.sha256)
            if question and question not in {one.question for one in found}:
                found.append(_Suggestion(question, row.path, row.sha256))
                if len(found) == _N_SUGGESTIONS:
                    break
        self._suggestions = found

    def _candidates(self) -> Iterator[FileRow]:
        """The first files of each kind, in turn."""
        ledger = self._service.kb.ledger
        of_kind = [
            ledger.files(FileQuery(status=DocumentStatus.INDEXED, kind=kind), _N_OF_A_KIND)
            for kind in _WITH_HEADINGS
        ]
        return (row for turn in itertools.zip_longest(*of_kind) for row in turn if row is not None)

    def _question(self, sha256: str) -> str:
        """A question that the document may answer, or empty."""
        ledger = self._service.kb.ledger
        document = self._service.document(sha256)
        if document is None:
            return ""
        try:
            chunks = ledger.chunks_of(sha256, _N_CHUNKS)
        except KnowledgeBaseError:
            return ""  # The page is shown without suggestions; asking will say what is wrong.
        return best_question(document.title, chunks)


def best_question(title: str, chunks: Sequence[Chunk]) -> str:
    """A heading of a document as a question: first of those that are questions as they stand,
    then of those whose own words come back in what stands under them, which says that it is
    about them and is no list of contents. Empty where no heading does.

    Args:
        title: Of the document.
        chunks: Some of it, in order.
    """
    found: dict[str, tuple[bool, float]] = {}
    for chunk in chunks:
        heading = chunk.headings[-1] if chunk.headings else ""
        if not heading or len(heading) > _MAX_CHARACTERS or heading.casefold() in title.casefold():
            continue
        words = {term.stem for term in terms(heading)}
        below = {term.stem for term in terms(chunk.text)}
        share = len(words & below) / len(words) if words else 0.0
        question = as_question(heading, title)
        rank = question.startswith(heading), share
        if share:
            found[question] = max(rank, found.get(question, rank))
    return max(found, key=lambda question: found[question], default="")


def as_question(heading: str, title: str) -> str:
    """A heading as a question that says no more than the heading, in the language of the two.

    Args:
        title: Of the document.
    """
    if heading.endswith(("?", "？")):
        return heading
    if _IS_QUESTION.match(heading):
        return f"{heading}?"
    return _ASKED[language(f"{heading} {title}")].format(heading)
