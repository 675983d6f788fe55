"""`kb` is the face that Python programs import."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kb

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("name", kb.__all__)
def test_every_name_is_there(name: str) -> None:
    # A constant has no name of its own.
    assert getattr(getattr(kb, name), "__name__", name) == name
    assert name in dir(kb)


def test_what_is_no_name_of_it_is_an_error() -> None:
    with pytest.raises(AttributeError, match="'kb' has no attribute 'Gist'"):
        _ = kb.Gist


def test_importing_it_loads_nothing() -> None:
    program = "import sys, kb; print(sorted(name for name in sys.modules if name[:3] == 'kb.'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_the_readme_shows_its_example() -> None:
    assert kb.__doc__ is not None
    example = textwrap.dedent(kb.__doc__.partition("::\n\n")[2].rpartition("\n\n")[0])
    assert f"```python\n{example}\n```" in README.read_text("utf-8")
