"""How well each stage finds: ``python -m benchmarks.quality FOLDER [--set NAME]… [--json]``.

For each evaluation set in FOLDER: dense alone, BM25 alone, both fused, and reranked; the last
with the time a rerank of a hundred hits takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ingest.sync import Syncer
from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.evaluate.retrieval import EvalQuery, RankedPlace, evaluate, load_queries
from kb.types import Hit, Query

_N_RANKED = 100


def main() -> None:
    """Measure every set that asks with words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", dest="sets")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folders = sorted(path.parent for path in options.folder.glob("*/queries.jsonl"))
    for folder in folders:
        if options.sets and folder.name not in options.sets:
            continue
        queries = load_queries(folder / "queries.jsonl")
        if not all(query.text for query in queries):  # asked with pictures: `kb eval` does
            continue
        for row in measure(folder, queries):
            print(json.dumps(row) if options.json else _line(row), flush=True)


def measure(folder: Path, queries: Sequence[EvalQuery]) -> list[dict[str, object]]:
    """A row for each stage, over one index of the set's corpus."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="kb-quality-") as temporary:
        home = Home(Path(temporary))
        kb = open_knowledge_base(home, load_config(home))
        try:
            Syncer(kb).sync([(folder / "corpus").resolve()])
        finally:
            kb.close()
        for stages, overrides in (
            (("dense",), {"retrieve": {"alpha": 1.0}}),
            (("sparse",), {"retrieve": {"alpha": 0.0}}),
            (("fused", "reranked"), {}),
        ):
            kb = open_knowledge_base(home, load_config(home, overrides=overrides))
            try:
                asked = {
                    query.id: kb.search(Query(text=query.text), _N_RANKED) for query in queries
                }
            finally:
                kb.close()
            for stage in stages:
                places = {
                    id_: _places(result.hits, fused=stage != "reranked")
                    for id_, result in asked.items()
                }
                row: dict[str, object] = {"set": folder.name, "stage": stage}
                row |= evaluate(queries, lambda query, places=places: places[query.id])
                if stage == "reranked":
                    times_ms = [result.timings_ms["rerank"] for result in asked.values()]
                    row["rerank_p50_ms"] = statistics.median(times_ms)
                rows.append(row)
    return rows


def _places(hits: Sequence[Hit], *, fused: bool) -> list[RankedPlace]:
    """Reranked hits as they come, or in the order they had before."""
    ordered = sorted(hits, key=lambda hit: -hit.fused) if fused else hits
    return [RankedPlace(hit.source, hit.chunk.locator.page) for hit in ordered]


def _line(row: dict[str, object]) -> str:
    numbers = (f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float))
    return f"{row['set']:14} {row['stage']:9} " + "  ".join(numbers)


if __name__ == "__main__":
    main()
