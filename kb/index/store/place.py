"""Where the vectors are: the collection that answers, and one that is made beside it.

A collection's name ends in a mark. ``index/vectors.json`` says which mark is the current one;
without the file it is the empty one. So a swap is the replacement of one small file::

    {"mark": "-1f0c4b7e", "is_checked": true, "others": [""]}

`is_checked` is false from a swap until the ids of the collection were compared with the
ledger's. `others` are the marks of collections that are being made, were given up half-made, or
answered before: they are deleted once nobody needs them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from kb.config import Config, Home, StoreConfig
from kb.errors import IndexMismatchError, StoreInUseError, StoreUnavailableError
from kb.files import write_whole
from kb.index.store.edge import EdgeStore
from kb.index.store.generations import Generations
from kb.index.store.schema import CollectionSchema
from kb.protocols import MaintainedStore

if TYPE_CHECKING:
    from kb.index.store.server import ServerStore

__all__ = ["StorePlace"]


@dataclass(frozen=True, slots=True)
class _State:
    """What ``vectors.json`` says."""

    mark: str = ""
    is_checked: bool = True
    others: tuple[str, ...] = ()


class StorePlace:
    """The collections of one home.

    Args:
        home: Of the index.
        config: Embedded or on a server, and the collection's name.
    """

    def __init__(self, home: Home, config: Config) -> None:
        self._home = home
        self._config = config.store
        self._file = home.index / "vectors.json"
        self._opened: str | None = None

    def open(self, schema: CollectionSchema) -> MaintainedStore:
        """The collection that answers, made where there is none.

        Raises:
            IndexMismatchError: It was made with other encoders.
            StoreInUseError: Another process has it open.
            StoreUnavailableError: It can't be opened or reached.
        """
        mark = self._read().mark
        store = self._open(mark, schema)
        self._opened = mark
        return store

    # -- which one answers -----------------------------------------------------------------

    def is_current(self) -> bool:
        """Whether the collection that `open` opened is still the one that answers.

        Raises:
            StoreUnavailableError: ``vectors.json`` can't be read.
        """
        return self._read().mark == self._opened

    def require_current(self) -> None:
        """See that what is written goes to the collection that answers.

        Raises:
            IndexMismatchError: Another has been put in its place.
            StoreUnavailableError: ``vectors.json`` can't be read.
        """
        if not self.is_current():
            raise IndexMismatchError(
                f"New vectors answer in {self._home.path} (`kb sync --reembed` made them), and "
                "this process has the former ones open. Nothing was written. Open the knowledge "
                "base anew: sync again, or end this program and start it again.",
                collection=str(self._file),
            )

    def folder(self) -> Path | None:
        """Of the collection that answers, whether or not it is there; None on a server.

        Raises:
            StoreUnavailableError: ``vectors.json`` can't be read.
        """
        return None if self._config.url is not None else self._folder(self._read().mark)

    def note_unchecked(self) -> None:
        """Note that the ids of the collection that answers are to be compared with the ledger's."""
        with self._changing() as state:
            self._write(replace(state, is_checked=False))

    def is_checked(self) -> bool:
        """Whether the ids of the collection that answers were compared with the ledger's since
        it took another's place.

        Raises:
            StoreUnavailableError: ``vectors.json`` can't be read.
        """
        return self._read().is_checked

    def note_checked(self) -> None:
        """Note that they were, and delete what answered before or was given up half-made. A
        collection that a process has open stays for the next time."""
        with self._changing() as state:
            self._write(replace(state, is_checked=True))
        with self._making() as is_ours:
            if is_ours:
                self._delete_others()

    def holds(self, schema: CollectionSchema) -> bool:
        """Whether the collection that answers was made with the encoders of `schema`. Needs no
        lock: it may be open in another process.

        Raises:
            StoreUnavailableError: It can't be read or reached.
        """
        mark = self._read().mark
        if self._config.url is None:
            meta = Generations(self._folder(mark)).read()
            return meta is not None and schema.mismatch(meta.identity) is None
        try:
            self._open(mark, schema).close()
        except IndexMismatchError:
            return False
        return True

    # -- another beside it -----------------------------------------------------------------

    @contextmanager
    def beside(self, schema: CollectionSchema) -> Iterator[MaintainedStore]:
        """A collection for the vectors of other encoders, open; begun before, it is gone on
        with. One process at a time has one.

        Raises:
            StoreInUseError: Another process makes one, or has this one open.
            StoreUnavailableError: As `open`.
        """
        mark = self._mark(schema)
        with self._making() as is_ours:
            if not is_ours:
                raise StoreInUseError(
                    f"Another process makes new vectors for {self._home.path}. Wait for it to "
                    "end, or stop it, and run the command again: it goes on where that stood.",
                    collection=str(self._file),
                )
            # Noted first: a collection that is given up half-made is found again.
            with self._changing() as state:
                if mark not in (state.mark, *state.others):
                    self._write(replace(state, others=(*state.others, mark)))
            store = self._open(mark, schema)
            try:
                yield store
            finally:
                store.close()
            # On a server nothing tells whether somebody still reads the one before.
            if self._read().mark == mark and self._config.url is None:
                self._delete_others()

    def swap(self, schema: CollectionSchema) -> None:
        """Let the collection that `beside` made answer from now on, and note that it is to be
        checked. The one before goes once no process has it open: at the latest with
        `note_checked`. Call it in a ``with`` block of `beside`."""
        after = self._mark(schema)
        with self._changing() as state:
            others = dict.fromkeys((*state.others, state.mark))
            others.pop(after, None)
            self._write(_State(after, is_checked=False, others=tuple(others)))

    def discard_all(self) -> None:
        """Delete every collection of the home.

        Raises:
            StoreInUseError: Another process has the current one open.
        """
        with self._changing(or_else=_State()) as state:
            self._discard(state.mark)
            others = set(state.others)
            if self._config.url is None:
                # Those of former versions are noted nowhere.
                name = self._home.shard.name
                found = self._home.index.glob(f"{name}-*")
                others |= {path.name.removeprefix(name) for path in found if path.is_dir()}
            left = tuple(mark for mark in sorted(others) if not self._discard_unless_open(mark))
            if left:
                self._write(_State(others=left))
            else:
                self._file.unlink(missing_ok=True)

    def _open(self, mark: str, schema: CollectionSchema) -> MaintainedStore:
        if self._config.url is None:
            return EdgeStore.open(self._folder(mark), schema)
        return _server_store().connect(self._named(mark), schema)

    def _discard(self, mark: str) -> None:
        if self._config.url is None:
            EdgeStore.discard(self._folder(mark))
            if mark:
                with suppress(OSError):
                    for file in self._folder(mark).iterdir():
                        file.unlink()
                    self._folder(mark).rmdir()
        else:
            _server_store().discard(self._named(mark))

    def _folder(self, mark: str) -> Path:
        return self._home.shard.with_name(self._home.shard.name + mark)

    def _named(self, mark: str) -> StoreConfig:
        return self._config.model_copy(update={"collection": self._config.collection + mark})

    def _delete_others(self) -> None:
        with self._changing() as state:
            left = tuple(mark for mark in state.others if not self._discard_unless_open(mark))
            if left != state.others:
                self._write(replace(state, others=left))

    def _discard_unless_open(self, mark: str) -> bool:
        try:
            self._discard(mark)
        except StoreInUseError:
            return False
        return True

    @contextmanager
    def _making(self) -> Iterator[bool]:
        """Whether no other process makes a collection, nor begins to meanwhile."""
        lock = FileLock(self._file.with_name("reembed.lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @contextmanager
    def _changing(self, or_else: _State | None = None) -> Iterator[_State]:
        """What the file says, which no other process changes meanwhile; `or_else` where it
        can't be read."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self._file.with_suffix(".lock"), thread_local=False):
            try:
                state = self._read()
            except StoreUnavailableError:
                if or_else is None:
                    raise
                state = or_else
            yield state

    def _write(self, state: _State) -> None:
        write_whole(self._file, json.dumps(asdict(state)))

    def _read(self) -> _State:
        try:
            value = json.loads(self._file.read_text("utf-8"))
            # Former versions wrote the mark alone, and compared nothing.
            return _State(
                str(value["mark"]),
                bool(value.get("is_checked", False)),
                tuple(map(str, value.get("others", ()))),
            )
        except FileNotFoundError:
            return _State()
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise StoreUnavailableError(
                f"{self._file} can't be read: {error!r}. Run `kb sync --rebuild` to make the index "
                "anew from the library.",
                collection=str(self._file),
            ) from error

    @staticmethod
    def _mark(schema: CollectionSchema) -> str:
        identity = json.dumps(schema.identity, sort_keys=True)
        return "-" + hashlib.sha256(identity.encode()).hexdigest()[:8]


def _server_store() -> type[ServerStore]:
    # Its client takes as long to import as the rest of a command together; few have a server.
    from kb.index.store.server import ServerStore

    return ServerStore
