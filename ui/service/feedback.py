"""What was said of answers, as questions of an evaluation set: ``queries.jsonl`` of `kb eval`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from kb import FeedbackReason
from kb.types import AnswerStatus, Citation
from ui.service.conversation_export import plain_answer
from ui.service.turns import Turn

__all__ = ["FeedbackSet", "feedback_set", "queries_text"]

_PLACE_FIELDS = ("page", "start_s", "end_s")


class FeedbackSet(NamedTuple):
    """Questions whose answers somebody judged.

    Attributes:
        queries: As lines of ``queries.jsonl``, each with its ``scope`` as of `Turn`.
        n_left_out: Of those that can't be asked again: with pictures or a clip, or of whose answer
            nothing was kept.
    """

    queries: list[dict[str, Any]]
    n_left_out: int


def feedback_set(rated: Sequence[tuple[str, Turn]]) -> FeedbackSet:
    """The questions of turns that were judged.

    What is known of each: a good answer is right wherever one of the places that it cites is cited
    again, and a good refusal is right. An answer that should not be there is a refusal to be; one
    that is amiss must not come again, word for word; and a refusal that is amiss is to be answered.

    Args:
        rated: Conversations and turns, as of `KeptConversations.rated`. Of a question that was
            judged more than once, the last judgement holds.
    """
    queries: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    n_left_out = 0
    for talk, turn in rated:
        known = _known(turn)
        text = turn.understood or turn.question
        if known is None or turn.attachments or not text:
            n_left_out += 1
            continue
        query = {"id": f"{talk}-{turn.number}", "text": text, "scope": list(turn.scope)} | known
        queries.pop((text, turn.scope), None)
        queries[text, turn.scope] = query
    return FeedbackSet(list(queries.values()), n_left_out)


def queries_text(queries: Sequence[dict[str, Any]]) -> str:
    """The text of a ``queries.jsonl``."""
    return "".join(json.dumps(query, ensure_ascii=False) + "\n" for query in queries)


def _known(turn: Turn) -> dict[str, Any] | None:
    """What feedback says of a question; None: nothing that can be asked for again."""
    said = turn.feedback
    if said is None or turn.status is None:
        return None
    head: dict[str, Any] = {"kind": _kind(turn)} | ({"note": said.note} if said.note else {})
    is_answered = turn.status is AnswerStatus.ANSWERED
    if not said.is_good and said.reason is FeedbackReason.NOT_IN_FILES:
        return head | {"relevant": [], "answers": []}
    if not is_answered:
        head["relevant"] = []
        if said.is_good:
            return head | {"answers": []}
        return head | {"answerable": True}
    if not said.is_good:
        answer = plain_answer(turn).strip()
        return head | {"relevant": [], "answerable": None, "must_not": [answer]} if answer else None
    places = [_place(citation) for citation in turn.citations]
    unique = [place for at, place in enumerate(places) if place not in places[:at]]
    return head | {"relevant": unique} if unique else None


def _kind(turn: Turn) -> str:
    said = turn.feedback
    assert said is not None
    return "good" if said.is_good else said.reason or "bad"


def _place(citation: Citation) -> dict[str, Any]:
    found = {name: getattr(citation.locator, name) for name in _PLACE_FIELDS}
    return {"source": citation.source} | {k: v for k, v in found.items() if v is not None}
