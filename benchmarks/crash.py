"""Kill -9 at random instants of a sync; the next sync must make the index whole.

``python -m benchmarks.crash [--n 50] [--seed 1] [--json]``. Each round changes the folder
(adds, edits, moves, copies and deletes files), kills a sync of it somewhere, syncs again, and
compares the index with one that was never interrupted. Every second round kills the main
process alone, and its workers have to notice. Exit status 1 when any round differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.types import Query

_SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
_WORDS = "pump valve filter reset battery gasket sensor lamp motor relay 滤网 复位 电池".split()


# Texts are encoded in batches of other shapes after a crash, and the words of deleted points
# count until a compaction: scores differ a little, what is indexed does not.
_TOLERANCE = 0.02


@dataclass(frozen=True)
class _Index:
    """Everything that decides what an index answers."""

    paths: frozenset[tuple[str, str | None]]
    documents: frozenset[tuple[str, str, str, int]]
    chunks: frozenset[tuple[str, str]]
    points: frozenset[str]
    pictures: frozenset[str]


def main() -> None:
    """Run the rounds and print how they ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    n_equal, n_killed, furthest = 0, 0, 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "folder")
        crashed, whole = Home(Path(temporary, "crashed")), Home(Path(temporary, "whole"))
        _fill(folder, chance)
        _sync(folder, crashed)
        duration_s = _sync(folder, whole)
        for number in range(arguments.n):
            _change(folder, chance, number)
            duration_s = max(_sync(folder, whole), 1.0)
            share = chance.random()
            killed = _killed_sync(folder, crashed, share * duration_s, alone=number % 2 == 1)
            n_killed += killed
            _sync(folder, crashed)
            (expected, wanted), (found, given) = _index_of(whole), _index_of(crashed)
            apart = _furthest(wanted, given)
            is_equal = expected == found and apart <= _TOLERANCE
            n_equal += is_equal
            furthest = max(furthest, apart)
            if not is_equal:
                _explain(number, expected, found)
            if not arguments.json:
                print(
                    f"round {number + 1:2}: killed at {share * duration_s:4.1f} s of "
                    f"{duration_s:4.1f} s{'' if killed else ' (had ended)'}: "
                    f"{'equal' if is_equal else 'DIFFERS'}, scores within {apart:.4f}",
                    flush=True,
                )
    figures = {
        "n_rounds": arguments.n,
        "n_killed": n_killed,
        "n_equal": n_equal,
        "largest_score_difference": furthest,
    }
    print(json.dumps(figures) if arguments.json else figures)
    sys.exit(n_equal != arguments.n)


def _fill(folder: Path, chance: random.Random) -> None:
    folder.mkdir(parents=True)
    for n in range(20):
        _write_note(folder / f"note {n}.md", chance)
    _write_records(folder / "long.jsonl", chance)
    for path in sorted(_SAMPLES.rglob("*.pdf"))[:1]:
        shutil.copy(path, folder)


def _write_note(path: Path, chance: random.Random) -> None:
    lines = [" ".join(chance.choices(_WORDS, k=12)) + "." for _ in range(chance.randint(3, 120))]
    path.write_text(f"# {chance.choice(_WORDS)} {chance.random()}\n\n" + "\n\n".join(lines))


def _write_records(path: Path, chance: random.Random) -> None:
    """A file of more chunks than are written at a time."""
    lines = [json.dumps({"n": n, "what": chance.choices(_WORDS, k=3)}) for n in range(300)]
    path.write_text("\n".join(lines))


def _change(folder: Path, chance: random.Random, number: int) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    notes = [path for path in files if path.suffix == ".md"]
    for n in range(4):
        _write_note(folder / f"new {number} {n}.md", chance)
    for path in chance.sample(notes, 4):
        _write_note(path, chance)
    _write_records(folder / "long.jsonl", chance)
    moved, copied, removed = chance.sample(notes, 3)
    (folder / f"sub {number}").mkdir()
    shutil.copy(copied, folder / f"sub {number}" / copied.name)
    moved.rename(folder / f"sub {number}" / f"moved {moved.name}")
    removed.unlink()
    pictures = sorted(_SAMPLES.rglob("*.png")) + sorted(_SAMPLES.rglob("*.jpg"))
    if pictures:
        picture = chance.choice(pictures)
        # Bytes after the end of a picture are no part of it, and make it a new document.
        target = folder / f"picture {number}{picture.suffix}"
        target.write_bytes(picture.read_bytes() + bytes(f"{number}", "ascii"))


def _command(folder: Path, home: Home) -> list[str]:
    return [sys.executable, "-m", "ui.cli", "sync", str(folder), "--home", str(home.path), "--json"]


def _sync(folder: Path, home: Home) -> float:
    start = time.perf_counter()
    result = subprocess.run(_command(folder, home), capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"A sync failed: {result.stderr}")
    return time.perf_counter() - start


def _killed_sync(folder: Path, home: Home, after_s: float, *, alone: bool) -> bool:
    """Kill a sync, `alone` or with all its workers; False when it had ended before."""
    process = subprocess.Popen(
        _command(folder, home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_s)
    running = process.poll() is None
    if running and alone:
        process.kill()
    elif running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


def _index_of(home: Home) -> tuple[_Index, list[dict[str, float]]]:
    # More than there are chunks: ties at the end of a list would be cut differently.
    config = load_config(home, overrides={"retrieve": {"n_recall": 1000}})
    kb = open_knowledge_base(home, config)
    try:
        found = kb.examine()
        ledger = kb.ledger
        committed = ledger.chunk_ids()
        index = _Index(
            paths=frozenset((record.path, record.sha256) for record in ledger.paths().values()),
            documents=frozenset(
                (r.document.sha256, r.fingerprint, r.status, r.document.n_chunks)
                for r in ledger.records()
            ),
            chunks=frozenset((chunk.id, chunk.text) for chunk in ledger.all_chunks()),
            points=(committed - set(found.missing_points)) | set(found.orphan_points),
            pictures=frozenset(path.name for path in kb.assets.files()),
        )
        scores = [
            {hit.chunk.id: hit.fused for hit in kb.search(Query(text=word), 100).hits}
            for word in _WORDS
        ]
        return index, scores
    finally:
        kb.close()


def _explain(number: int, expected: _Index, found: _Index) -> None:
    for name in ("paths", "documents", "chunks", "points", "pictures"):
        missing = getattr(expected, name) - getattr(found, name)
        extra = getattr(found, name) - getattr(expected, name)
        if missing or extra:
            print(
                f"round {number + 1}: {name}: {len(missing)} missing, {len(extra)} too many: "
                f"{sorted(map(str, missing | extra))[:3]}",
                file=sys.stderr,
            )


def _furthest(wanted: list[dict[str, float]], given: list[dict[str, float]]) -> float:
    """The largest difference of a chunk's score, and of the scores by rank, which covers
    chunks that only one of the two lists holds."""
    apart = 0.0
    for one, other in zip(wanted, given, strict=True):
        if len(one) != len(other):
            return 1.0
        apart = max([apart, *(abs(one[key] - other[key]) for key in one.keys() & other.keys())])
        ranked = zip(sorted(one.values()), sorted(other.values()), strict=True)
        apart = max([apart, *(abs(a - b) for a, b in ranked)])
    return apart


if __name__ == "__main__":
    main()
