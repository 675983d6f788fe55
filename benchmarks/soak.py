"""Descriptors and memory over many questions from many threads: ``python -m benchmarks.soak``.

``[--questions 10000] [--threads 20] [--folder data/samples] [--json]``. The folder is indexed
with the profile `starter`; then so many threads at a time ask questions made of its own words,
ten each, and end, as a server's threads come and go. Both figures must stay flat: a line for
each tenth of the questions, of this process and of those it started together.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from ingest.sync import Syncer
from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.knowledge_base import KnowledgeBase
from kb.types import Answer, Query

_QUESTIONS_A_THREAD = 10
_WORDS_A_QUESTION = 8
_SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"


def main() -> None:
    """Index, ask, print; exit with 1 where a question failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=_SAMPLES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary))
        shutil.copytree(arguments.folder, home.library)
        kb = open_knowledge_base(home, load_config(home, "starter"))
        try:
            Syncer(kb).sync()
            soak = Soak(kb, arguments.questions, arguments.threads)
            for figures in soak.run(max(1, arguments.questions // 10)):
                _print(figures, as_json=arguments.json)
        finally:
            kb.close()
    for error in soak.errors:
        print(f"A question failed: {error!r}", file=sys.stderr)
    sys.exit(bool(soak.errors))


class Soak:
    """Questions from threads that come and go.

    Args:
        kb: Asked.
        n_questions: In all.
        n_threads: At a time.
    """

    def __init__(self, kb: KnowledgeBase, n_questions: int, n_threads: int) -> None:
        self.errors: list[Exception] = []
        self._kb = kb
        self._n_questions = n_questions
        self._n_threads = n_threads
        self._left = iter(range(n_questions))
        self._questions = _questions(kb)
        self._changing = threading.Lock()
        self._n_done = 0

    def run(self, every: int) -> Iterator[dict[str, float]]:
        """Ask; give figures before the first question, and after each `every` of them."""
        start_s = time.perf_counter()
        yield self._figures(start_s)
        drivers = [threading.Thread(target=self._drive) for _ in range(self._n_threads)]
        for driver in drivers:
            driver.start()
        for n_wanted in range(every, self._n_questions + 1, every):
            while self._n_done < n_wanted and any(driver.is_alive() for driver in drivers):
                time.sleep(0.05)
            yield self._figures(start_s)
        for driver in drivers:
            driver.join()

    def _drive(self) -> None:
        """Start one thread after the other until there is nothing more to ask."""
        while True:
            with self._changing:
                numbers = list(itertools.islice(self._left, _QUESTIONS_A_THREAD))
            if not numbers or self.errors:
                return
            asker = threading.Thread(target=self._ask, args=(numbers,))
            asker.start()
            asker.join()

    def _ask(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            try:
                question = self._questions[number % len(self._questions)]
                answers = [
                    event for event in self._kb.ask(Query(question)) if isinstance(event, Answer)
                ]
                assert answers
            except Exception as error:
                self.errors.append(error)
                return
            with self._changing:
                self._n_done += 1

    def _figures(self, start_s: float) -> dict[str, float]:
        me = psutil.Process()
        processes = (me, *me.children(recursive=True))
        return {
            "n_questions": self._n_done,
            "elapsed_s": time.perf_counter() - start_s,
            "n_descriptors": sum(one.num_fds() for one in processes),
            "n_threads": me.num_threads(),
            "memory_mib": sum(one.memory_info().rss for one in processes) / 2**20,
        }


def _questions(kb: KnowledgeBase) -> list[str]:
    """The first words of each chunk that has some."""
    return [
        " ".join(chunk.text.split()[:_WORDS_A_QUESTION])
        for chunk in kb.ledger.all_chunks()
        if chunk.text.strip()
    ]


def _print(figures: dict[str, float], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures), flush=True)
    else:
        print("  ".join(f"{name} {value:,.0f}" for name, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
