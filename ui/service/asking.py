"""Questions answered in threads of their own, which end when the asker has gone.

A thread can't be ended from outside: it looks by itself, by `kb.stopping.check`, whether its
question is still wanted. It is no longer when the task that waits for it is cancelled (the Stop
button, a client that hung up, a page that was closed) or the server ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, TypeVar

from kb.errors import StoreUnavailableError
from kb.stopping import Stop, StoppedError, stoppable

if TYPE_CHECKING:
    from starlette.types import Receive

__all__ = ["Askers", "while_connected"]

T = TypeVar("T")
# Each holds a thread, and the work of one takes a core.
_N_AT_ONCE = 8


class _End(Generic[T]):
    """The last of a thread's items: how it ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Room:
    """What an event loop has of a number of places."""

    def __init__(self, n_at_once: int) -> None:
        self.free = asyncio.Semaphore(n_at_once)
        self.n_taken = 0  # and waited for

    def leave(self) -> None:
        self.n_taken -= 1
        self.free.release()


class Askers:
    """Runs questions, and ends them.

    Its threads do not hold up the end of the process.

    Args:
        n_at_once: The others wait, without a thread.
        n_in_all: That run or wait; None sets no limit.
    """

    def __init__(self, n_at_once: int = _N_AT_ONCE, n_in_all: int | None = None) -> None:
        self._n_at_once = n_at_once
        self._n_in_all = n_in_all
        self._stops: weakref.WeakSet[_Stop] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._rooms: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Room] = (
            weakref.WeakKeyDictionary()
        )
        self._is_over = False

    async def one(self, work: Callable[[], T], session: str | None = None) -> T:
        """What `work` gives. Cancelling this stops it. See `each`."""
        async with contextlib.aclosing(self.each(lambda: (work(),), session)) as results:
            async for result in results:
                return result
        raise StoppedError

    async def each(
        self, work: Callable[[], Iterable[T]], session: str | None = None
    ) -> AsyncGenerator[T, None]:
        """The items of `work`, as they come. Closing or cancelling this stops it.

        Args:
            session: Whom `stop` knows it by.

        Raises:
            StoppedError: It was stopped otherwise.
            StoreUnavailableError: There is no place, nor one to wait in.
        """
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[T | _End[T]] = asyncio.Queue()
        room = self._rooms.setdefault(loop, _Room(self._n_at_once))
        if room.n_taken == self._n_in_all:
            raise StoreUnavailableError(
                f"{room.n_taken} requests of this kind are under way or wait already. Try again "
                "when they are through."
            )
        room.n_taken += 1
        try:
            await room.free.acquire()
        except BaseException:
            room.n_taken -= 1
            raise
        stop = self._started(session)
        context = copy_context()

        def tell(item: T | _End[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(items.put_nowait, item)

        def run() -> None:
            error: BaseException | None = None
            try:
                with stoppable(stop):
                    results = work()
                    try:
                        for item in results:
                            if stop.is_set():
                                raise StoppedError
                            tell(item)
                    finally:
                        # Now, and not when nobody holds it any more: it may have something to keep.
                        if isinstance(results, Generator):
                            results.close()
            except BaseException as raised:
                error = raised
            finally:
                tell(_End(error))
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(room.leave)

        # Whoever waits need not wait for the thread, which may be in the middle of a step.
        stop.wake = lambda: tell(_End(StoppedError()))
        threading.Thread(target=context.run, args=(run,), name="kb-question", daemon=True).start()
        try:
            while not isinstance(item := await items.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            stop.set()

    def n_working_and_waiting(self) -> tuple[int, int]:
        """How many questions are worked on, and how many wait for one of those to end."""
        taken = [room.n_taken for room in tuple(self._rooms.values())]
        n_working = sum(min(n, self._n_at_once) for n in taken)
        return n_working, sum(taken) - n_working

    def stop(self, session: str | None = None) -> None:
        """Stop the questions of a session, or all of them."""
        with self._lock:
            stops = [s for s in self._stops if session is None or s.session == session]
        for stop in stops:
            stop.set()
            stop.wake()

    def close(self) -> None:
        """Stop all questions, those that are still to come among them."""
        self._is_over = True
        self.stop()

    def _started(self, session: str | None) -> _Stop:
        stop = _Stop(session)
        with self._lock:
            self._stops.add(stop)
        if self._is_over:
            stop.set()
        return stop


class _Stop(Stop):
    def __init__(self, session: str | None) -> None:
        super().__init__()
        self.session = session
        self.wake: Callable[[], None] = lambda: None


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """What `work` gives; it is cancelled when the client hangs up.

    Args:
        receive: The request's, of which the body has been read.

    Raises:
        StoppedError: The client hung up.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise StoppedError
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
