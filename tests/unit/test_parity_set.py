"""What the parity benchmark says of a directory that it can't compare with."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.parity import main


@pytest.fixture
def directory(tiny_qwen3_vl: Path, tmp_path: Path) -> Path:
    """Of the format, with numbers that no model gave."""
    shutil.copytree(tiny_qwen3_vl, tmp_path / "set" / "checkpoint")
    (tmp_path / "set" / "inputs").mkdir()
    given = {
        "embedding_default_instruction": "Represent the user's input.",
        "rerank_instruction": "Retrieve.",
        "embedding_inputs": [{"text": "a kettle"}, {"text": "a lamp"}],
        "rerank_queries": [{"text": "a kettle"}],
        "rerank_documents": [{"text": "a lamp"}],
    }
    (tmp_path / "set" / "golden.json").write_text(json.dumps(given))
    save(tmp_path / "set", np.ones((2, 64)), np.ones((1, 1)))
    return tmp_path / "set"


def save(directory: Path, embeddings: np.ndarray, rerank: np.ndarray) -> None:
    np.savez(directory / "golden.npz", embeddings=embeddings, rerank=rerank)


def status(directory: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["parity", str(directory)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code is not None
    return int(ended.value.code)


def cut(directory: Path) -> None:
    path = directory / "golden.npz"
    path.write_bytes(path.read_bytes()[:-40])


def spoil(directory: Path) -> None:
    path = directory / "golden.npz"
    content = bytearray(path.read_bytes())
    content[300] ^= 255
    path.write_bytes(content)


def one_array(directory: Path) -> None:
    with (directory / "golden.npz").open("wb") as file:
        np.save(file, np.ones((2, 64)))


def without_queries(directory: Path) -> None:
    path = directory / "golden.json"
    given = json.loads(path.read_text())
    del given["rerank_queries"]
    path.write_text(json.dumps(given))


def with_a_picture_that_is_missing(directory: Path) -> None:
    path = directory / "golden.json"
    given = json.loads(path.read_text())
    given["rerank_queries"] = [{"image": "nosuch.png"}]
    path.write_text(json.dumps(given))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no directory": (shutil.rmtree, "There is no directory"),
    "no golden.json": (lambda d: (d / "golden.json").unlink(), "golden.json can't be read"),
    "golden.json cut": (lambda d: (d / "golden.json").write_text('{"a"'), "golden.json can't be"),
    "golden.json a list": (lambda d: (d / "golden.json").write_text("[]"), "golden.json can't be"),
    "no queries": (without_queries, "'rerank_queries'"),
    "no golden.npz": (lambda d: (d / "golden.npz").unlink(), "golden.npz can't be read"),
    "golden.npz cut": (cut, "cut short"),
    "golden.npz spoiled": (spoil, "golden.npz can't be read"),
    "golden.npz of words": (lambda d: (d / "golden.npz").write_text("no"), "golden.npz can't be"),
    "one array": (one_array, "golden.npz can't be read"),
    "too few rows": (lambda d: save(d, np.ones((1, 64)), np.ones((1, 1))), "expected (2, dim)"),
    "of another model": (lambda d: save(d, np.ones((2, 32)), np.ones((1, 1))), "vectors of 32"),
    "no picture": (with_a_picture_that_is_missing, "nosuch.png"),
    "no checkpoint": (lambda d: shutil.rmtree(d / "checkpoint"), "config.json can't be read"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_can_not_be_compared_is_said_and_ends_with_2(
    name: str, directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, words = DAMAGE[name]
    damage(directory)
    assert status(directory, monkeypatch) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("parity: ")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_other_numbers_end_with_1(
    value: float,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(directory, np.full((2, 64), value), np.full((1, 1), value))
    assert status(directory, monkeypatch) == 1
    assert "embedding of text, packed" in capsys.readouterr().out
