"""Putting the stages of a profile together. The only place that names implementations."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from kb.answer import Answerer
from kb.assets import AssetStore
from kb.config import Config, Home
from kb.encoders.bm25 import Bm25Encoder
from kb.encoders.picture import PictureDescriptor
from kb.encoders.text import SentenceTransformerEncoder
from kb.errors import StoreUnavailableError
from kb.generators.extractive import ExtractiveGenerator
from kb.knowledge_base import KnowledgeBase
from kb.ledger import Ledger
from kb.protocols import Encoders, MaintainedStore
from kb.rerankers.lexical import LexicalReranker
from kb.retrieve import Retriever
from kb.store.edge import EdgeStore
from kb.store.schema import CollectionSchema
from kb.store.server import ServerStore

__all__ = ["open_knowledge_base", "profile_note"]


def open_knowledge_base(
    home: Home, config: Config, *, rebuild: bool = False, encoders: Encoders | None = None
) -> KnowledgeBase:
    """The knowledge base of `home` under `config`. Close it after use.

    Args:
        rebuild: Forget ledger and vectors; the folders that were synced stay known.
        encoders: In place of the profile's own.

    Raises:
        IndexMismatchError: The index was made with another encoder.
        ModelLoadError: A model is missing or damaged.
        StoreInUseError: Another process has the index open.
        StoreUnavailableError: The store can't be opened or reached.
    """
    assets = AssetStore(home.assets)
    encoders = encoders or Encoders(
        dense=SentenceTransformerEncoder(config.encoder),
        sparse=Bm25Encoder(),
        picture=PictureDescriptor(assets),
    )
    schema = CollectionSchema.of(encoders, config.store)
    if rebuild:
        _discard(home, config)
    store: MaintainedStore
    if config.store.url is None:
        store = EdgeStore.open(home.shard, schema)
    else:
        store = ServerStore.connect(config.store, schema)
    try:
        ledger = Ledger(home.ledger)
    except BaseException:
        store.close()
        raise
    return KnowledgeBase(
        home=home,
        config=config,
        ledger=ledger,
        store=store,
        assets=assets,
        encoders=encoders,
        retriever=Retriever(store, encoders, ledger, config.retrieve),
        reranker=LexicalReranker(),
        answerer=Answerer(ExtractiveGenerator(config.answer), ledger),
    )


def profile_note() -> str:
    """What the profile means for the person who asks, in a sentence or two."""
    return (
        "Offline on this computer's processor. English is found by meaning and by words, Chinese "
        "by words; pictures by likeness and by the words in them. Answers are quotes from your "
        "files."
    )


def _discard(home: Home, config: Config) -> None:
    # Takes the lock first: a ledger that another process has open must not be deleted.
    if config.store.url is None:
        EdgeStore.discard(home.shard)
    else:
        ServerStore.discard(config.store)
    roots: list[Path] = []
    if home.ledger.exists():
        with suppress(StoreUnavailableError):
            ledger = Ledger(home.ledger)
            roots = ledger.roots()
            ledger.close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{home.ledger}{suffix}").unlink(missing_ok=True)
    ledger = Ledger(home.ledger)
    ledger.add_roots(roots)
    ledger.close()
