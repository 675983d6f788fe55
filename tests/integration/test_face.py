"""The example of `kb`'s docstring runs as it stands there."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import kb

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path) -> None:
    (tmp_path / "data" / "library").mkdir(parents=True)
    (tmp_path / "data" / "library" / "lamp.md").write_text(
        "# Lamp\n\n## Reset\n\nTo reset the lamp, hold its button for nine seconds.\n", "utf-8"
    )
    here = {"cwd": tmp_path, "env": {"PYTHONPATH": str(ROOT)}, "capture_output": True, "text": True}
    kb_sync = [sys.executable, "-m", "ui.cli", "sync", "--home", "data"]
    assert subprocess.run(kb_sync, **here).returncode == 0  # type: ignore[call-overload]

    assert kb.__doc__ is not None
    example = textwrap.dedent(kb.__doc__.partition("::\n\n")[2].rpartition("\n\n")[0])
    done = subprocess.run([sys.executable, "-c", example], **here)  # type: ignore[call-overload]
    assert "hold its button for nine seconds" in done.stdout, done.stderr
    assert done.stdout.splitlines()[0].startswith("lamp.md")
