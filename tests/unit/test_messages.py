"""The catalogues have every message, and say it with its values."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted((ROOT / "ui" / "locale").glob("*.po"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", ROOT / "scripts" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


READ_THE_CODE = """
import sys
sys.path.insert(0, "scripts")
from babel.messages.pofile import write_po
import messages
write_po(sys.stdout.buffer, messages.template())
"""


@pytest.fixture(scope="module")
def template() -> Catalog:
    """Of a process of its own: where a browser was driven before, by greenlets, `ast.parse` may
    fail in Python 3.11 ("AST constructor recursion depth mismatch")."""
    child = [sys.executable, "-c", READ_THE_CODE]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, check=True, timeout=120)
    return read_po(io.BytesIO(done.stdout))


def test_messages_are_found_wherever_they_are_said(template: Catalog) -> None:
    found = {message.id for message in template}
    assert "Ask with words, a picture or a clip" in found  # of a component
    assert "Copy with sources" in found  # of a template
    assert "Rename this conversation" in found  # of the page's script
    assert "Not available" in found  # within a template literal of it
    assert "What would you like to know?" in found  # within an f-string
    assert ("{n} file", "{n} files") in found


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_catalogue_is_in_step_with_the_code(
    path: Path, script: ModuleType, template: Catalog
) -> None:
    content, catalog = script.updated(path, template)
    assert content == path.read_bytes(), "run scripts/messages.py"
    assert script.untranslated(catalog) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_translation_has_the_values_of_its_message(path: Path) -> None:
    for message in read_po(io.BytesIO(path.read_bytes()), locale=path.stem):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = {name for one in ids for name in names(one)}
        for one in filter(None, said):
            assert set(names(one)) == wanted, message.id


def names(text: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", text)
