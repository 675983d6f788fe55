"""`kb eval --from-feedback`: ask again what people judged, of the index as it is."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from kb import Ledger
from kb.config import Config, Home
from kb.errors import ConfigError
from kb.evaluate.answers import judge_all
from kb.evaluate.retrieval import EvalQuery, load_queries
from kb.files import write_whole
from kb.types import Answer, AnswerStatus, Citation, Filters, Locator, Query
from ui.cli.backend import Backend, open_backend
from ui.cli.evaluation import answer_measures, since_ms
from ui.service.feedback import FeedbackSet, feedback_set, queries_text
from ui.service.kept import KeptConversations
from ui.service.library import list_files
from ui.service.scope import scope_filters

__all__ = ["run_feedback_evaluation", "save_feedback"]

Json = dict[str, Any]


def save_feedback(folder: Path, home: Home) -> Json:
    """Write what people judged to ``queries.jsonl`` in a folder, and tell how many there are.

    Raises:
        ConfigError: Nobody has judged an answer, or it can't be written.
    """
    judged, _ = _read(home)
    path = folder / "queries.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, queries_text(judged.queries).encode())
    except OSError as error:
        raise ConfigError(f"{path} can't be written ({error.strerror}).") from error
    return {"path": str(path), "n_queries": len(judged.queries), "n_left_out": judged.n_left_out}


def run_feedback_evaluation(home: Home, config: Config, profile: str | None) -> Json:
    """What `kb eval --from-feedback --json` prints: as of `run_answers_evaluation`, of the library
    itself, by the server where one runs.

    Raises:
        ConfigError: Nobody has judged an answer.
    """
    start = time.perf_counter()
    judged, sources = _read(home)
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as temporary:
        path = Path(temporary) / "queries.jsonl"
        path.write_text(queries_text(judged.queries), "utf-8")
        queries = load_queries(path)
    scopes = {one["id"]: one["scope"] for one in judged.queries}
    with open_backend(home, config, profile) as backend:
        verdicts = judge_all(
            queries, lambda item: _answer(backend, item, scope_filters(scopes[item.id], sources))
        )
    return {
        "set": "feedback",
        "n_queries": len(queries),
        "n_left_out": judged.n_left_out,
        "n_unanswerable": sum(query.is_answerable is False for query in queries),
        **answer_measures(verdicts),
        "total_time_ms": since_ms(start),
    }


def _read(home: Home) -> tuple[FeedbackSet, Sequence[str]]:
    """What was judged, and every file there is."""
    if not home.ledger.exists():
        raise ConfigError(f"{home.path} has no index, and so no conversations. `kb up` begins one.")
    with closing(Ledger(home.ledger)) as ledger:
        judged = feedback_set(KeptConversations(ledger).rated())
        sources = [file.source for file in list_files(ledger, home.library, frozenset(), "")]
    if not judged.queries:
        raise ConfigError(
            "Nobody has judged an answer yet that can be asked for again. Press a thumb below "
            "an answer on the Chat page first."
        )
    return judged, sources


def _answer(backend: Backend, item: EvalQuery, filters: Filters) -> Answer:
    given = {
        "folder": list(filters.folders),
        "kind": [kind.value for kind in filters.kinds],
        "source": list(filters.sources),
    }
    *_, last = backend.ask(item.text, (), None, json.dumps(given))
    return _rebuilt(last["answer"])


def _rebuilt(told: Mapping[str, Any]) -> Answer:
    """As much of an answer as it is judged by, of what `answer_json` made of it."""
    citations = tuple(
        Citation(
            one["number"],
            one["id"],
            one["source"],
            Locator(page=one["page"], start_s=one["start_s"], end_s=one["end_s"]),
            one["quote"],
        )
        for one in told["citations"]
    )
    return Answer(
        query=Query(text=told["query"]),
        text=told["answer"],
        status=AnswerStatus(told["status"]),
        citations=citations,
        hits=(),
        timings_ms={},
        total_time_ms=told["total_time_ms"],
        probability=told["probability"],
    )
