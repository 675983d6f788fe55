"""Why an answer is what it is, as the page shows it when it is asked for."""

from __future__ import annotations

from kb.errors import ConfigError
from kb.types import Query
from ui.service.scope import scope_filters
from ui.service.service import Service
from ui.service.turns import Turn
from ui.service.why import lost_page, turn_of
from ui.web.asking import split_attachments
from ui.web.html.why import lost_html, why_html
from ui.web.upload_folder import is_uploaded, received

__all__ = ["lost_page_html", "why_answer_html"]


def why_answer_html(service: Service, conversation: str, number: int) -> str:
    """What was found for a turn's question, and at which rank by each stage.

    Raises:
        KnowledgeBaseError: There is no such turn, or its question can't be searched for.
    """
    turn = turn_of(service, conversation, number)
    sources = [file.source for file in service.files()]
    return why_html(turn, service.kb.trace(_query(service, turn)), sources, conversation)


def lost_page_html(
    service: Service, conversation: str, number: int, name: str, page: int | None
) -> str:
    """At which stage a page was lost. See `why_answer_html` and `lost_page`."""
    turn = turn_of(service, conversation, number)
    return lost_html(lost_page(service, turn, _query(service, turn), name, page))


def _query(service: Service, turn: Turn) -> Query:
    """The question of a turn, with what was attached as far as it is still kept."""
    files = [path for path in turn.files if is_uploaded(path)]
    text = turn.understood or turn.question
    if not text and len(files) < max(1, len(turn.attachments)):
        raise ConfigError(
            "What this was asked with is kept no more, so that it can't be searched for again."
        )
    is_mixed = len(turn.scope) > 1
    sources = [file.source for file in service.files()] if is_mixed else []
    filters = scope_filters(turn.scope, sources)
    with received(files, service.config.limits, service.scratch.root) as copies:
        return service.make_query(text, *split_attachments(copies), filters)
