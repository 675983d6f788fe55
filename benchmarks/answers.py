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
from pathlib import Path

from kb.config import Home
from kb.config.loading import load_config
from kb.evaluate.answers import Judged
from ui.cli.display_answers import print_answer_measures
from ui.cli.evaluation import answer_measures, judged_answers

_LIBRARIES = Path(__file__).parent / "libraries"


def main() -> None:
    """Ask the questions of every set, and print the table and the curve of all together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_LIBRARIES)
    parser.add_argument("--set", action="append", dest="sets", help="only this one")
    options = parser.parse_args()
    judged: list[Judged] = []
    with tempfile.TemporaryDirectory(prefix="kb-answers-") as temporary:
        home = Home(Path(temporary))
        config = load_config(home, "starter")
        for queries in sorted(options.folder.glob("*/queries.jsonl")):
            if not options.sets or queries.parent.name in options.sets:
                judged += judged_answers(queries.parent, home, config, lambda _: None)[0]
    if not judged:
        parser.error(f"There is no set in {options.folder}.")
    print_answer_measures(answer_measures(judged))


if __name__ == "__main__":
    main()
