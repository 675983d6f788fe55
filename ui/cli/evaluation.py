"""`kb eval`: index a set's corpus in a home of its own, ask its questions, measure."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kb.config import Config, Home
from kb.errors import ConfigError
from kb.evaluate.answers import Judged, judge_all, refusal_curve, summarise
from kb.evaluate.retrieval import EvalQuery, RankedPlace, evaluate, load_queries
from kb.types import Answer, Outcome, Query, SyncReport
from ui.service.service import Service
from ui.service.wire import progress_json

__all__ = [
    "answer_measures",
    "judged_answers",
    "run_answers_evaluation",
    "run_evaluation",
    "since_ms",
]

_N_RANKED = 100

Heard = Callable[[dict[str, Any]], None]


def run_evaluation(
    folder: Path, home: Home, config: Config, heard: Heard, corpus: Path | None = None
) -> dict[str, Any]:
    """What `kb eval --json` prints.

    Args:
        home: Of the models; the corpus is indexed in another, which is deleted at the end.
        corpus: The folder to index; by default the set's own.

    Raises:
        ConfigError: The set is not whole, or nothing of its corpus could be read.
    """
    start = time.perf_counter()
    queries = load_queries(folder / "queries.jsonl")
    if not any(query.relevant for query in queries):
        raise ConfigError(f"No question of {folder} names a place that answers it.")
    with _indexed(corpus or folder / "corpus", home, config, heard) as (service, report):

        def search(item: EvalQuery) -> Sequence[RankedPlace]:
            hits = service.search(_query(service, item), _N_RANKED).hits
            return [
                RankedPlace(
                    hit.source,
                    hit.chunk.locator.page,
                    hit.chunk.locator.start_s,
                    hit.chunk.locator.end_s,
                )
                for hit in hits
            ]

        measures = evaluate(queries, search)
    return _head(folder, queries, report) | measures | {"total_time_ms": since_ms(start)}


def run_answers_evaluation(
    folder: Path, home: Home, config: Config, heard: Heard, corpus: Path | None = None
) -> dict[str, Any]:
    """What `kb eval --answers --json` prints: counts of verdicts by kind of question, and each
    question with its answer. Arguments and errors are those of `run_evaluation`."""
    start = time.perf_counter()
    judged, report = judged_answers(folder, home, config, heard, corpus)
    head = _head(folder, [one.query for one in judged], report)
    return head | answer_measures(judged) | {"total_time_ms": since_ms(start)}


def judged_answers(
    folder: Path, home: Home, config: Config, heard: Heard, corpus: Path | None = None
) -> tuple[list[Judged], SyncReport]:
    """The questions of a set with the verdicts on their answers, and how its corpus was indexed.
    Arguments and errors are those of `run_evaluation`."""
    queries = load_queries(folder / "queries.jsonl")
    with _indexed(corpus or folder / "corpus", home, config, heard) as (service, report):
        return judge_all(queries, lambda item: _answer(service, _query(service, item))), report


def answer_measures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Counts of verdicts by kind of question, errors by threshold, and each question with the
    verdict on its answer."""
    return {
        "kinds": summarise(judged),
        "curve": refusal_curve(judged),
        "questions": [_judged_json(one) for one in judged],
    }


@contextmanager
def _indexed(
    corpus: Path, home: Home, config: Config, heard: Heard
) -> Iterator[tuple[Service, SyncReport]]:
    corpus = corpus.resolve()
    if not corpus.is_dir():
        raise ConfigError(
            f"There is no folder {corpus} to index. A set holds a folder `corpus`, or "
            "`kb eval --corpus` names one."
        )
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as temporary:
        service = Service(Home(Path(temporary), models=home.models), config)
        try:
            report = service.sync([corpus], listen=lambda progress: heard(progress_json(progress)))
            if len(report.files) == report.counts[Outcome.FAILED]:
                raise ConfigError(f"No file of {corpus} could be read.")
            yield service, report
        finally:
            service.close()


def _query(service: Service, item: EvalQuery) -> Query:
    return service.make_query(item.text, [item.image] if item.image else [], item.video)


def _answer(service: Service, query: Query) -> Answer:
    """The answer as it is when its claims are checked."""
    *_, answer = service.ask(query)
    assert isinstance(answer, Answer)
    return answer


def _head(folder: Path, queries: Sequence[EvalQuery], report: SyncReport) -> dict[str, Any]:
    n_failed = report.counts[Outcome.FAILED]
    return {
        "set": folder.resolve().name,
        "n_queries": len(queries),
        "n_unanswerable": sum(query.is_answerable is False for query in queries),
        "n_files": len(report.files) - n_failed,
        "n_files_failed": n_failed,
    }


def _judged_json(one: Judged) -> dict[str, Any]:
    """A question with the verdict on its answer."""
    return {
        "id": one.query.id,
        "kind": one.query.kind,
        "text": one.query.text,
        "verdict": one.verdict.value,
        "cited": one.is_cited,
        "probability": one.probability,
        "answer": one.text,
        "missing": one.missing,
        "unwanted": one.unwanted,
    }


def since_ms(start: float) -> float:
    """Milliseconds since a time of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 1)
