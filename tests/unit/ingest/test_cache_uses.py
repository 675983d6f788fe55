from __future__ import annotations

from pathlib import Path

import pytest

from ingest.cache_uses import CacheUses

ONE, OTHER, THIRD = "1" * 64, "2" * 64, "3" * 64


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "ocr"


def entry(cache: Path, name: str) -> Path:
    path = cache / name[:2] / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("words")
    return path


def use(cache: Path, document: str, *entries: Path) -> None:
    uses = CacheUses(cache)
    uses.begin(document)
    for one in entries:
        uses.note(one)
        uses.note(one)


def test_what_only_one_document_used_goes_with_it(cache: Path) -> None:
    own, shared = entry(cache, "aa1"), entry(cache, "bb1")
    use(cache, ONE, own, shared)
    use(cache, OTHER, shared)
    uses = CacheUses(cache)
    assert uses.documents() == {ONE, OTHER}
    uses.drop([ONE])
    assert (own.exists(), shared.exists()) == (False, True)
    uses.drop([OTHER])
    assert not shared.exists()
    assert uses.documents() == set()


def test_what_is_read_again_later_is_still_known_as_its_own(cache: Path) -> None:
    first, second = entry(cache, "aa1"), entry(cache, "bb1")
    use(cache, ONE, first)
    use(cache, ONE, second)
    CacheUses(cache).drop([ONE])
    assert not first.exists()
    assert not second.exists()


def test_of_a_document_without_a_list_all_goes_that_no_list_has(cache: Path) -> None:
    """As of an index that was made before there were lists."""
    listed, unlisted = entry(cache, "aa1"), entry(cache, "bb1")
    use(cache, ONE, listed)
    CacheUses(cache).drop([THIRD])
    assert (listed.exists(), unlisted.exists()) == (True, False)


def test_nothing_is_noted_before_a_document_is_begun(cache: Path) -> None:
    uses = CacheUses(cache)
    uses.note(entry(cache, "aa1"))
    assert uses.documents() == set()
