"""`kb eval`: index a set's corpus in a home of its own, ask its questions, measure."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kb.config import Config, Home
from kb.errors import ConfigError
from kb.evaluate import EvalQuery, RankedPlace, evaluate, load_queries
from kb.types import Outcome
from ui.service import Service
from ui.wire import progress_json

__all__ = ["run_evaluation"]

_N_RANKED = 100


def run_evaluation(
    folder: Path, home: Home, config: Config, heard: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What `kb eval --json` prints.

    Args:
        home: Of the models; the corpus is indexed in another, which is deleted at the end.

    Raises:
        ConfigError: The set is not whole, or nothing of its corpus could be read.
    """
    start = time.perf_counter()
    corpus = (folder / "corpus").resolve()
    if not corpus.is_dir() or not (folder / "queries.jsonl").is_file():
        raise ConfigError(f"{folder} must hold a folder `corpus` and a file `queries.jsonl`.")
    queries = load_queries(folder / "queries.jsonl")
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as temporary:
        service = Service(Home(Path(temporary), models=home.models), config)
        try:
            report = service.sync([corpus], listen=lambda progress: heard(progress_json(progress)))
            read = len(report.files) - report.counts[Outcome.FAILED]
            if not read:
                raise ConfigError(f"No file of {corpus} could be read.")

            def search(item: EvalQuery) -> Sequence[RankedPlace]:
                images = [item.image] if item.image else []
                query = service.make_query(item.text, images, item.video)
                hits = service.search(query, _N_RANKED).hits
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
        finally:
            service.close()
    return {
        "set": folder.resolve().name,
        "n_queries": len(queries),
        "n_files": read,
        "n_files_failed": report.counts[Outcome.FAILED],
        **measures,
        "total_time_ms": round((time.perf_counter() - start) * 1000, 1),
    }
