"""How well questions about small libraries are answered: ``python -m benchmarks.answers``.

Each folder of `benchmarks/libraries` is an evaluation set: in ``corpus/`` a few files as a clinic
or a school has them, in English or Chinese, and questions in ``queries.jsonl``. They are asked in
the words of the files and in others, in other languages than the files', for steps, for cells of
tables, for a yes or no; and some are about the same things and answered by nothing. Printed are,
by kind, how many are answered right, wrong, refused falsely, refused rightly and answered though
nothing answers; then both kinds of error by the threshold of the probability.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ingest.sync import Syncer
from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.evaluate.answers import Judged, Verdict, judge_all, refusal_curve, summarise
from kb.evaluate.retrieval import EvalQuery, load_queries
from kb.types import Answer, Query

_LIBRARIES = Path(__file__).parent / "libraries"
_SHOWN = (
    Verdict.RIGHT,
    Verdict.WRONG,
    Verdict.FALSE_REFUSAL,
    Verdict.RIGHT_REFUSAL,
    Verdict.FALSE_ANSWER,
)


def main() -> None:
    """Ask the questions of every set, and print the table and the curve of all together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_LIBRARIES)
    parser.add_argument("--set", action="append", dest="sets", help="only this one")
    options = parser.parse_args()
    judged: list[Judged] = []
    for queries in sorted(options.folder.glob("*/queries.jsonl")):
        if not options.sets or queries.parent.name in options.sets:
            judged += answers_of(queries.parent)
    if not judged:
        parser.error(f"There is no set in {options.folder}.")
    print_table(judged)


def answers_of(folder: Path) -> list[Judged]:
    """The questions of a set with the verdicts on their answers."""
    with tempfile.TemporaryDirectory(prefix="kb-answers-") as temporary:
        home = Home(Path(temporary))
        kb = open_knowledge_base(home, load_config(home, "starter"))
        try:
            Syncer(kb).sync([(folder / "corpus").resolve()])

            def ask(query: EvalQuery) -> Answer:
                *_, answer = kb.ask(Query(text=query.text))
                assert isinstance(answer, Answer)
                return answer

            return judge_all(load_queries(folder / "queries.jsonl"), ask)
        finally:
            kb.close()


def print_table(judged: Sequence[Judged]) -> None:
    """Counts of verdicts by kind, then errors by threshold."""
    names = [verdict.value.replace("_", " ") for verdict in _SHOWN]
    print(f"{'kind':12} {'n':>5}  " + "  ".join(f"{name:>13}" for name in names))
    for kind, counts in summarise(judged).items():
        shown = "  ".join(f"{counts[verdict.value]:13}" for verdict in _SHOWN)
        print(f"{kind:12} {counts['n']:5}  {shown}")
    print("threshold  refused falsely  answered falsely")
    for row in refusal_curve(judged):
        refused, answered = row["false_refusals"], row["false_answers"]
        print(f"{row['threshold']:9.2f}  {refused:15.3f}  {answered:16.3f}")


if __name__ == "__main__":
    main()
