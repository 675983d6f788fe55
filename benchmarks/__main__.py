"""Every figure of this machine, one after the other: ``make bench``.

Evaluation sets are taken from ``../shared/eval`` or from ``$KB_EVAL``; without them those
figures are left out, and the output says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SHARED = _ROOT.parent / "shared"


def main() -> None:
    """Run every benchmark in a process of its own; exit with 1 when one failed."""
    evaluation = Path(os.environ.get("KB_EVAL", _SHARED / "eval"))
    files = _SHARED / "files"
    runs: list[tuple[str, list[str]]] = [
        ("PDF parser against the bare cost", ["benchmarks.ingest"]),
        ("Whole sync of PDFs against the bare cost", ["benchmarks.pipeline"]),
        ("Dense encoder against sentence-transformers", ["benchmarks.encoder"]),
        ("Sync of 10,000 unchanged files", ["benchmarks.scan"]),
        ("Export, import and backup of 10,000 documents", ["benchmarks.moving"]),
        ("Memory of huge files", ["benchmarks.huge_files"]),
        ("Store: 100,000 vectors", ["benchmarks.store"]),
        ("Filters over 20,000 documents", ["benchmarks.filters"]),
        ("Queries over 100,000 chunks", ["benchmarks.latency"]),
        ("Qwen3-VL against the published way", ["benchmarks.qwen3_vl"]),
        ("Answers on a laptop's processor", ["benchmarks.laptop", "--size", "small"]),
        ("Descriptors and memory over 10,000 questions", ["benchmarks.soak"]),
        ("Kill -9 in the middle of a sync", ["benchmarks.crash"]),
        ("Answers about eighteen small libraries", ["benchmarks.answers"]),
    ]
    if evaluation.is_dir():
        sets = [
            folder
            for folder in sorted(evaluation.iterdir())
            if (folder / "queries.jsonl").is_file() and (folder / "corpus").is_dir()
        ]
        runs += [(f"Retrieval: {folder.name}", ["ui.cli", "eval", str(folder)]) for folder in sets]
        runs += [
            (f"Answers: {folder.name}", ["ui.cli", "eval", "--answers", str(folder)])
            for folder in sets
            if folder.name.endswith("-answers")
        ]
    else:
        print(f"No evaluation sets in {evaluation}: retrieval is not measured.")
    if (files / "html-expected").is_dir():
        runs.append(("HTML main content", ["benchmarks.html", str(files)]))
    if (_SHARED / "parity").is_dir():
        runs.append(
            ("Qwen3-VL against published outputs", ["benchmarks.parity", str(_SHARED / "parity")])
        )
    if shutil.which("espeak-ng"):
        runs.append(("Speech", ["benchmarks.speech"]))
    else:
        print("espeak-ng is not installed: what is heard of speech is not measured.")
    n_failed = 0
    for title, command in runs:
        print(f"\n== {title}\n", flush=True)
        n_failed += subprocess.run([sys.executable, "-m", *command], cwd=_ROOT).returncode != 0
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
