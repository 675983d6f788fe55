"""How long an export, an import and backups of a library take.

``python -m benchmarks.moving [--n 10000] [--json]``: made text files of a few lines, indexed by a
sync of `starter` first. Their dense vectors are random numbers under the encoder's own name: to
make them would take most of an hour, and moving them costs the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Each worker of the sync imports this module: nothing more may be imported here.
import ui.cli  # noqa: F401
from kb.config import Home

if TYPE_CHECKING:
    from kb.protocols import Encoder, Float32Array
    from kb.types import Chunk, Query

_PARTS = ("pump", "valve", "filter", "tank", "hose", "motor", "sensor", "cover")


class _Random:
    """Vectors of no meaning, under the name of an encoder and of its length."""

    def __init__(self, encoder: Encoder) -> None:
        self.dim = encoder.dim
        self.fingerprint = encoder.fingerprint
        self._random = np.random.default_rng(0)

    def accepts(self, item: Query | Chunk) -> bool:
        """Whatever has text."""
        return bool(item.text)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``."""
        return self._some(len(queries))

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``."""
        return self._some(len(chunks))

    def _some(self, n: int) -> Float32Array:
        rows = self._random.standard_normal((n, self.dim), np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def main() -> None:
    """Index, then move."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        home = Home(base / "old")
        _make_files(home.library, arguments.n)
        _sync(home)
        file, smaller, backup = base / "kb.zip", base / "smaller.zip", base / "backup"
        export_s, made = _kb("export", str(file), "--home", str(home.path))
        assert made["n_documents"] == arguments.n
        without_s, _ = _kb("export", str(smaller), "--without-vectors", "--home", str(home.path))
        tried_s, _ = _kb("import", str(file), "--dry-run", "--home", str(base / "new"))
        import_s, taken = _kb("import", str(file), "--home", str(base / "new"))
        assert taken["has_vectors"]
        unchanged_s, report = _kb("sync", "--home", str(base / "new"))
        assert report["counts"]["unchanged"] == arguments.n
        shutil.rmtree(base / "new")
        backup_s, _ = _kb("backup", str(backup), "--home", str(home.path))
        (home.library / "00" / "more.txt").write_text("One more note.\n")
        _sync(home)
        again_s, second = _kb("backup", str(backup), "--home", str(home.path))
        verify_s, _ = _kb("backup", str(backup), "--verify")
        restore_s, _ = _kb("import", str(backup), "--home", str(base / "new"))
        figures = {
            "n_documents": arguments.n,
            "export_s": export_s,
            "export_mib": file.stat().st_size / 2**20,
            "export_without_vectors_s": without_s,
            "import_dry_run_s": tried_s,
            "import_s": import_s,
            "sync_after_import_s": unchanged_s,
            "backup_s": backup_s,
            "backup_of_one_more_file_s": again_s,
            "backup_of_one_more_file_mib": second["n_new_bytes"] / 2**20,
            "verify_s": verify_s,
            "import_of_backup_s": restore_s,
        }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>28}  {value:,.1f}")


def _sync(home: Home) -> None:
    from ingest.sync import Syncer
    from kb.build import open_knowledge_base
    from kb.config.loading import load_config
    from kb.config.models import TextEncoderConfig
    from kb.index.assets import AssetStore
    from kb.models.encoders.bm25 import Bm25Encoder
    from kb.models.encoders.paired import text_encoder
    from kb.models.encoders.picture import PictureDescriptor
    from kb.protocols import Encoders

    config = load_config(home)
    pictures = PictureDescriptor(AssetStore(home.assets))
    assert isinstance(config.encoder, TextEncoderConfig)
    dense = _Random(text_encoder(config.encoder))
    encoders = Encoders(dense=dense, sparse=Bm25Encoder(), picture=pictures)
    with open_knowledge_base(home, config, encoders=encoders) as kb:
        Syncer(kb).sync()


def _make_files(library: Path, n: int) -> None:
    for i in range(n):
        folder = library / f"{i % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        part, other = _PARTS[i % len(_PARTS)], _PARTS[i // len(_PARTS) % len(_PARTS)]
        (folder / f"note {i}.txt").write_text(
            f"Note {i}. The {part} of line {i % 97} was serviced on day {i}, its {other} was "
            f"replaced, and {i % 13} litres were lost.\n"
        )


def _kb(*arguments: str) -> tuple[float, dict[str, Any]]:
    """Seconds of a whole command, and what it said."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ui.cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    value: dict[str, Any] = json.loads(done.stdout)
    return time.perf_counter() - start, value


if __name__ == "__main__":
    main()
