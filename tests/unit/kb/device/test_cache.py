from __future__ import annotations

import threading

import pytest

from kb.device.cache import ModelCache


def use(cache: ModelCache, *keys: str, n_bytes: int = 4) -> list[str]:
    """Names of what had to be loaded."""
    loaded: list[str] = []
    for key in keys:
        with cache.using(key, n_bytes, lambda key=key: loaded.append(key) or key) as model:
            assert model == key
    return loaded


def test_what_fits_stays() -> None:
    cache = ModelCache(12)
    assert use(cache, "a", "b", "c", "a", "b", "c") == ["a", "b", "c"]
    assert cache.loaded() == ["a", "b", "c"]


def test_without_a_limit_all_stay() -> None:
    assert use(ModelCache(None), *"abcdabcd") == ["a", "b", "c", "d"]


def test_the_one_unused_longest_goes() -> None:
    cache = ModelCache(8)
    assert use(cache, "a", "b", "a", "c") == ["a", "b", "c"]
    assert cache.loaded() == ["a", "c"]
    assert use(cache, "b") == ["b"]
    assert cache.loaded() == ["c", "b"]


def test_one_that_is_over_the_budget_alone_is_tried() -> None:
    cache = ModelCache(8)
    use(cache, "a")
    assert use(cache, "huge", n_bytes=20) == ["huge"]
    assert cache.loaded() == ["huge"]


def test_a_model_in_use_is_not_let_go_and_the_next_one_waits() -> None:
    cache = ModelCache(8)
    events: list[str] = []
    started = threading.Event()

    def other() -> None:
        started.set()
        with cache.using("c", 4, lambda: events.append("c loaded") or "c"):
            events.append("c used")

    with cache.using("a", 4, lambda: "a"), cache.using("b", 4, lambda: "b"):
        thread = threading.Thread(target=other)
        thread.start()
        started.wait(5)
        assert not thread.join(0.05)
        assert events == []
        events.append("a and b done")
    thread.join(5)
    assert events == ["a and b done", "c loaded", "c used"]


def test_two_that_want_the_same_load_it_once() -> None:
    cache = ModelCache(8)
    loads: list[int] = []
    gate = threading.Barrier(4)

    def want() -> None:
        gate.wait(5)
        with cache.using("a", 4, lambda: loads.append(1) or "a") as model:
            assert model == "a"

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert loads == [1]


def test_a_failed_load_is_raised_and_can_be_tried_again() -> None:
    cache = ModelCache(8)

    def fail() -> str:
        raise OSError("gone")

    for _ in range(2):
        with pytest.raises(OSError, match="gone"), cache.using("a", 4, fail):
            pass
    assert use(cache, "a") == ["a"]
