from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from kb.errors import StoreUnavailableError
from kb.stopping import StoppedError, check, interrupted_by
from ui.service.asking import Askers, while_connected


def run(test: Callable[[Askers], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await asyncio.wait_for(test(Askers()), 20)

    return asyncio.run(main())


class Work:
    """Goes on until it is stopped, and tells when it was."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def endless(self) -> Iterator[int]:
        try:
            for n in range(10_000):
                check()
                yield n
                time.sleep(0.005)
        finally:
            self.ended.set()

    def silent(self) -> int:
        try:
            for _ in self.endless():
                pass
        finally:
            self.ended.set()
        return 1


def test_items_come_in_order_and_errors_as_they_are() -> None:
    async def test(askers: Askers) -> None:
        assert [n async for n in askers.each(lambda: range(100))] == [*range(100)]
        assert await askers.one(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await askers.one(lambda: 1 // 0)

    run(test)


def test_cancelling_stops_the_thread() -> None:
    work = Work()

    async def test(askers: Askers) -> None:
        task = asyncio.create_task(askers.one(work.silent))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test)
    assert work.ended.wait(2)


def test_closing_stops_the_thread() -> None:
    work = Work()

    async def test(askers: Askers) -> None:
        items = askers.each(work.endless)
        assert await anext(items) == 0
        await items.aclose()

    run(test)
    assert work.ended.wait(2)


def test_a_session_that_leaves_stops_its_own_questions() -> None:
    mine, other = Work(), Work()

    async def test(askers: Askers) -> None:
        tasks = [
            asyncio.create_task(askers.one(mine.silent, "mine")),
            asyncio.create_task(askers.one(other.silent, "other")),
        ]
        await asyncio.sleep(0.05)
        askers.stop("mine")
        with pytest.raises(StoppedError):
            await tasks[0]
        assert not other.ended.is_set()
        askers.close()
        with pytest.raises(StoppedError):
            await tasks[1]
        with pytest.raises(StoppedError):
            await askers.one(Work().silent)

    run(test)


def test_what_waits_for_others_is_woken() -> None:
    woken = threading.Event()

    def wait() -> None:
        with interrupted_by(woken.set):
            assert woken.wait(10)
            check()

    async def test(askers: Askers) -> None:
        task = asyncio.create_task(askers.one(wait))
        await asyncio.sleep(0.05)
        askers.stop()
        with pytest.raises(StoppedError):
            await task

    run(test)


def test_what_waits_has_no_thread_and_leaves_its_place() -> None:
    async def main() -> None:
        askers = Askers(n_at_once=1, n_in_all=3)
        go = threading.Event()
        begun: list[int] = []

        def work(n: int) -> None:
            begun.append(n)
            assert go.wait(10)

        tasks = [asyncio.create_task(askers.one(lambda n=n: work(n))) for n in range(3)]
        await asyncio.sleep(0.05)
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="3 requests of this kind"):
                await askers.one(lambda: work(9))
        tasks[1].cancel()
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(askers.one(lambda: work(3))))
        # Nor is there a place while the thread of one who has left still works.
        tasks[0].cancel()
        await asyncio.sleep(0.05)
        with pytest.raises(StoreUnavailableError):
            await askers.one(lambda: work(9))
        assert begun == [0]
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert begun == [0, 2, 3]
        await askers.one(lambda: work(4))

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("leaves", [True, False])
def test_a_client_that_hangs_up_stops_its_question(leaves: bool) -> None:
    work = Work()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.05 if leaves else 60)
        return {"type": "http.disconnect"}

    async def test(askers: Askers) -> None:
        if not leaves:
            assert await while_connected(receive, askers.one(lambda: 3)) == 3
            return
        with pytest.raises(StoppedError):
            await while_connected(receive, askers.one(work.silent))
        assert work.ended.wait(2)

    run(test)


def test_no_more_than_a_few_run_at_once() -> None:
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()

    async def test(askers: Askers) -> None:
        await asyncio.gather(*(askers.one(work) for _ in range(40)))

    run(test)
    assert len(most) == 40
    assert max(most) <= 8
