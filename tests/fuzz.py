"""``make fuzz``: sync damaged samples, new ones each time, and say what went wrong.

A run is repeated with its seed: ``make fuzz ARGS="--seed 7 -n 200"``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzzed import MIB, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000, help="how many files")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--time-limit-s", type=float, default=20.0, help="for one file")
    arguments = parser.parse_args()
    print(f"{arguments.n} damaged samples, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = fuzz(
            Path(folder), arguments.n, arguments.seed, time_limit_s=arguments.time_limit_s
        )
    counts = Counter(str(file.outcome) for file in fuzzed.outcomes.values())
    print(
        f"{dict(counts)} in {fuzzed.took_s:.0f} s; the largest process had "
        f"{fuzzed.peak_bytes // MIB:,} MiB"
    )
    for line in fuzzed.wrong:
        print(f"WRONG {line}")
    if fuzzed.bugs:
        print(f"Failures that nobody foresaw:\n{fuzzed.bugs}")
    return bool(fuzzed.wrong or fuzzed.bugs)


if __name__ == "__main__":
    sys.exit(main())
