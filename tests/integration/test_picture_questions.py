"""Words asked with a picture are answered about what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "data" / "samples"
_LAMP = "pictures/products/Lantern desk lamp.png"
_FILES = (
    _LAMP,
    "pictures/receipts/Receipt 2026-02-18.jpg",
    "office/Stock and orders March 2026.xlsx",
)


def kb(*arguments: str | Path) -> Any:
    done = run_here(*arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for name in _FILES:
        copy = folder / "library" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((SAMPLES / name).read_bytes())
    kb("sync", "--home", folder)
    return folder


def cropped(name: str, folder: Path) -> Path:
    """Another file of the same picture: smaller, without its edge, compressed anew."""
    with Image.open(SAMPLES / name) as picture:
        width, height = picture.size
        box = (width // 25, height // 25, width - width // 25, height - height // 25)
        copy = picture.convert("RGB").crop(box).resize((width * 3 // 4, height * 3 // 4))
    path = folder / "photo.jpg"
    copy.save(path, quality=80)
    return path


def test_words_are_answered_about_what_the_picture_shows(home: Path, tmp_path: Path) -> None:
    photo = cropped(_LAMP, tmp_path)
    answer = kb("ask", "How many of these are in stock?", "--image", photo, "--home", home)
    assert answer["status"] == "answered"
    assert answer["answer"].startswith("In stock: 57 — ")
    sources = [citation["source"] for citation in answer["citations"]]
    assert sources == ["office/Stock and orders March 2026.xlsx", _LAMP]


def test_a_receipt_is_read(home: Path, tmp_path: Path) -> None:
    photo = cropped("pictures/receipts/Receipt 2026-02-18.jpg", tmp_path)
    answer = kb("ask", "这张收据一共付了多少钱？", "--image", photo, "--home", home)
    assert "97.20" in answer["answer"]
    assert {citation["source"] for citation in answer["citations"]} == {
        "pictures/receipts/Receipt 2026-02-18.jpg"
    }


def test_what_no_file_tells_is_not_answered(home: Path, tmp_path: Path) -> None:
    photo = cropped(_LAMP, tmp_path)
    answer = kb("ask", "How much is this?", "--image", photo, "--home", home)
    assert answer["status"] == "no_evidence"
    assert f"closest match is {_LAMP} [1], but nothing" in answer["answer"]
