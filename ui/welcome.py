"""What an empty conversation shows: what can be asked, or how to add files."""

from __future__ import annotations

from collections.abc import Sequence

from kb.errors import KnowledgeBaseError
from kb.types import Filters, Kind, Query
from ui.library_files import LibraryFile
from ui.render import escape, icon
from ui.service import Service

__all__ = ["Welcome"]

_N_SUGGESTIONS = 4
_N_LOOKED_AT = 8
_WITH_HEADINGS = (Kind.PDF, Kind.HTML, Kind.OFFICE, Kind.EBOOK, Kind.TEXT)


class Welcome:
    """The first view of the Chat page, with questions taken from the library's headings."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._files: tuple[str, ...] = ()
        self._questions: dict[str, str] = {}

    def html(self) -> str:
        """The view as it is now."""
        files = self._service.files()
        indexed = [file for file in files if file.status in {"indexed", "partial"}]
        if not files:
            return (
                f'<section class="kb-welcome kb-welcome-empty">{icon("empty")}'
                "<h2>Your library is empty</h2>"
                "<p>Add PDFs, pictures, videos, web pages, office files or text. They are read on "
                "this computer and can be asked about as soon as they are indexed.</p>"
                '<button type="button" class="kb-button" data-goto="library">Add files</button>'
                "</section>"
            )
        if not indexed:
            return (
                f'<section class="kb-welcome kb-welcome-empty">{icon("empty")}'
                "<h2>Reading your files</h2>"
                "<p>Questions can be asked as soon as the first file is indexed. The Library page "
                "shows how far it is.</p>"
                '<button type="button" class="kb-button" data-goto="library">Show progress</button>'
                "</section>"
            )
        questions = "".join(
            f'<button type="button" class="kb-suggestion" data-ask="{escape(question)}">'
            f"<span>{escape(question)}</span>"
            f'<span class="kb-muted">{escape(source)}</span></button>'
            for question, source in self._suggestions(indexed).items()
        )
        noun = "file" if len(indexed) == 1 else "files"
        return (
            '<section class="kb-welcome"><h2>What would you like to know?</h2>'
            f"<p>Answers come from your {len(indexed)} {noun}, and every claim opens "
            "at its page, picture or second.</p>"
            f'<div class="kb-suggestions">{questions}</div></section>'
        )

    def _suggestions(self, indexed: Sequence[LibraryFile]) -> dict[str, str]:
        """Headings of a few documents of different kinds, each with its source."""
        of_kind = {kind: [file for file in indexed if file.kind is kind] for kind in _WITH_HEADINGS}
        turns = [
            files[i]
            for i in range(_N_LOOKED_AT)
            for files in of_kind.values()
            if i < len(files) and files[i].document_sha256
        ][:_N_LOOKED_AT]
        looked_at = tuple(file.document_sha256 or "" for file in turns)
        if looked_at != self._files:
            questions: dict[str, str] = {}
            for file in turns:
                heading = self._heading(file)
                if heading and len(questions) < _N_SUGGESTIONS:
                    questions.setdefault(heading, file.source)
            self._files, self._questions = looked_at, questions
        return self._questions

    def _heading(self, file: LibraryFile) -> str:
        """The heading over the passage that is nearest to the document's title."""
        document = self._service.document(file.document_sha256 or "")
        if document is None:
            return ""
        query = Query(text=document.title, filters=Filters(sources=(file.source,)))
        try:
            hits = self._service.search(query).hits
        except KnowledgeBaseError:
            return ""  # The page is shown without suggestions; asking will say what is wrong.
        headings = [hit.chunk.headings[-1] for hit in hits if hit.chunk.headings]
        title = document.title.casefold()
        return next((text for text in headings if text.casefold() not in title), "")
