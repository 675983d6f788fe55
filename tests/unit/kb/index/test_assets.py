from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kb.index.assets import AssetStore
from kb.types import EncodedImage, ImageRef


def test_a_picture_is_stored_once_under_its_hash(tmp_path: Path) -> None:
    store = AssetStore(tmp_path / "assets")
    image = EncodedImage(b"\xff\xd8 jpeg bytes", "image/jpeg", 10, 20)
    ref = store.put(image)
    assert ref == ImageRef(hashlib.sha256(image.data).hexdigest(), "image/jpeg", 10, 20)
    modified = store.path(ref).stat().st_mtime_ns
    assert store.put(image) == ref
    assert store.path(ref).stat().st_mtime_ns == modified
    assert store.read(ref) == image.data
    assert list(store.files()) == [store.path(ref)]


def test_a_missing_picture_is_an_error(tmp_path: Path) -> None:
    store = AssetStore(tmp_path)
    with pytest.raises(FileNotFoundError):
        store.read(ImageRef("00" * 32, "image/png", 1, 1))


def test_leftovers_of_a_crash_are_not_listed(tmp_path: Path) -> None:
    store = AssetStore(tmp_path)
    store.put(EncodedImage(b"x", "image/png", 1, 1))
    (tmp_path / "ab").mkdir(exist_ok=True)
    (tmp_path / "ab" / ".half.tmp").write_bytes(b"half")
    assert len(list(store.files())) == 1
