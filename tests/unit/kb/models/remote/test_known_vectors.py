"""What is remembered of a server."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from kb.errors import IndexMismatchError, ModelLoadError, StoreUnavailableError
from kb.models.remote.known_vectors import KnownVectors, probes

VECTORS = np.random.default_rng(0).normal(size=(2, 128)).astype(np.float32)


def test_the_probes_are_always_the_same() -> None:
    first, second = probes(), probes()
    assert [one.text for one in first] == [one.text for one in second]
    assert first[1].pictures[0].read() == second[1].pictures[0].read()


def test_the_first_answer_is_remembered_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "index" / "remote_encoder.json"
    assert KnownVectors(path).fingerprint("m") is None
    KnownVectors(path).check("m", VECTORS)
    kept = KnownVectors(path).fingerprint("m")
    assert kept
    # Rounding on the way through JSON, or noise of the device, changes nothing.
    noise = np.random.default_rng(1).normal(size=VECTORS.shape).astype(np.float32)
    KnownVectors(path).check("m", VECTORS * 3 + 0.02 * noise)
    assert KnownVectors(path).fingerprint("m") == kept
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_each_model_has_its_own(tmp_path: Path) -> None:
    known = KnownVectors(tmp_path / "k.json")
    known.check("a", VECTORS)
    before = known.fingerprint("a")
    known.check("b", VECTORS[::-1])
    assert known.fingerprint("a") == before
    assert known.fingerprint("b") != before
    known.check("a", VECTORS)


def test_one_probe_that_differs_is_enough(tmp_path: Path) -> None:
    known = KnownVectors(tmp_path / "k.json")
    known.check("m", VECTORS)
    other = VECTORS.copy()
    other[1] += 0.1 * np.random.default_rng(2).normal(size=128)
    with pytest.raises(IndexMismatchError, match=r"cosine 0\.99.*kb sync --reembed"):
        known.check("m", other)
    with pytest.raises(IndexMismatchError, match="256 numbers instead of 128"):
        known.check("m", np.tile(VECTORS, 2))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"m": ["a"]}', '{"m": [[1], [1, 2]]}'])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k.json"
    path.write_text(text)
    with pytest.raises(ModelLoadError, match=r"k\.json is damaged .*Delete it"):
        KnownVectors(path).fingerprint("m")


def test_where_it_can_not_be_read_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailableError, match=r"k\.json.* can't be read"):
        KnownVectors(tmp_path / "index" / "k.json").check("m", VECTORS)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow: writing fails as on a disk that is full. Not for long: pytest's own
    output may go to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_it_can_not_be_written_the_error_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    known = KnownVectors(tmp_path / "k.json")
    words = r"k\.json.* can't be written .*Free some space"
    with pytest.raises(StoreUnavailableError, match=words), full_disk():
        known.check("m", VECTORS)
    assert list(tmp_path.iterdir()) == []
    assert known.fingerprint("m") is None
