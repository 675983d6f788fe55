"""Where the vectors are: the collection that answers, and one that is made beside it.

A collection's name ends in a mark. ``index/vectors.json`` says which mark is the current one;
without the file it is the empty one. So a swap is the replacement of one small file.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from kb.config import Config, Home, StoreConfig
from kb.errors import IndexMismatchError, StoreInUseError, StoreUnavailableError
from kb.protocols import MaintainedStore
from kb.store.edge import EdgeStore
from kb.store.generations import Generations
from kb.store.schema import CollectionSchema
from kb.store.server import ServerStore

__all__ = ["StorePlace"]


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

    def open(self, schema: CollectionSchema) -> MaintainedStore:
        """The collection that answers, made where there is none.

        Raises:
            IndexMismatchError: It was made with other encoders.
            StoreInUseError: Another process has it open.
            StoreUnavailableError: It can't be opened or reached.
        """
        return self._open(self._current(), schema)

    def holds(self, schema: CollectionSchema) -> bool:
        """Whether the collection that answers was made with the encoders of `schema`. Needs no
        lock: it may be open in another process.

        Raises:
            StoreUnavailableError: It can't be read or reached.
        """
        mark = self._current()
        if self._config.url is None:
            meta = Generations(self._folder(mark)).read()
            return meta is not None and schema.mismatch(meta.identity) is None
        try:
            self._open(mark, schema).close()
        except IndexMismatchError:
            return False
        return True

    def open_beside(self, schema: CollectionSchema) -> MaintainedStore:
        """A collection for the vectors of other encoders; begun before, it is gone on with.

        Raises:
            StoreInUseError, StoreUnavailableError: As `open`.
        """
        return self._open(self._mark(schema), schema)

    def swap(self, schema: CollectionSchema) -> None:
        """Let the collection that `open_beside` made answer from now on, and delete the one
        before. One that a process has open stays on disk until the next swap or rebuild."""
        before, after = self._current(), self._mark(schema)
        if before == after:
            return
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"mark": after}), "utf-8")
        temporary.replace(self._file)
        with suppress(StoreInUseError):
            self._discard(before)

    def discard_all(self) -> None:
        """Delete every collection of the home.

        Raises:
            StoreInUseError: Another process has the current one open.
        """
        current = self._current()
        self._discard(current)
        if self._config.url is None:
            for path in self._home.index.glob(f"{self._home.shard.name}-*"):
                with suppress(StoreInUseError):
                    self._discard(path.name.removeprefix(self._home.shard.name))
        self._file.unlink(missing_ok=True)

    def _open(self, mark: str, schema: CollectionSchema) -> MaintainedStore:
        if self._config.url is None:
            return EdgeStore.open(self._folder(mark), schema)
        return ServerStore.connect(self._named(mark), schema)

    def _discard(self, mark: str) -> None:
        if self._config.url is None:
            EdgeStore.discard(self._folder(mark))
            if mark:
                with suppress(OSError):
                    for file in self._folder(mark).iterdir():
                        file.unlink()
                    self._folder(mark).rmdir()
        else:
            ServerStore.discard(self._named(mark))

    def _folder(self, mark: str) -> Path:
        return self._home.shard.with_name(self._home.shard.name + mark)

    def _named(self, mark: str) -> StoreConfig:
        return self._config.model_copy(update={"collection": self._config.collection + mark})

    def _current(self) -> str:
        try:
            return str(json.loads(self._file.read_text("utf-8"))["mark"])
        except FileNotFoundError:
            return ""
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise StoreUnavailableError(
                f"{self._file} can't be read: {error!r}. Run `kb sync --rebuild` to make the index "
                "anew from the library.",
                collection=str(self._file),
            ) from error

    @staticmethod
    def _mark(schema: CollectionSchema) -> str:
        identity = json.dumps(schema.identity, sort_keys=True)
        return "-" + hashlib.sha256(identity.encode()).hexdigest()[:8]
