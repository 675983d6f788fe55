"""Putting the stages of a profile together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

from kb.answer.answerer import Answerer
from kb.answer.claims.checker import ClaimChecker
from kb.answer.claims.thresholds import Thresholds
from kb.answer.medium import MediumAnswers
from kb.answer.refusal.gate import GatedGenerator
from kb.answer.refusal.judge import Judge
from kb.answer.shown.answers import ShownAnswers
from kb.answer.tables.answers import TableAnswers
from kb.arrival import finish_import
from kb.config import Config, Home
from kb.config.loading import load_config
from kb.config.models import GeneratorConfig
from kb.errors import ConfigError, IndexMismatchError
from kb.index.assets import AssetStore
from kb.index.ledger import Ledger
from kb.index.ledger.conversations import salvage_conversations
from kb.index.ledger.damage import salvage_roots
from kb.index.store.place import StorePlace
from kb.index.store.schema import CollectionSchema
from kb.knowledge_base import KnowledgeBase
from kb.models.encoders.paired import TextEncoder
from kb.models.encoders.remote import RemoteEncoder
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.factory import Models
from kb.private import make_private
from kb.protocols import DocumentLabels, Encoder, Encoders, MaintainedStore, Reranker
from kb.reembed import ReembedProgress, reembed
from kb.retrieve.retriever import Retriever
from kb.retrieve.vocabulary import Vocabulary

__all__ = [
    "answerer_with",
    "claim_thresholds",
    "open_knowledge_base",
    "reembed_library",
    "reopen",
    "use_generator",
]


def open_knowledge_base(
    home: Home | str | Path,
    config: Config | None = None,
    *,
    rebuild: bool = False,
    encoders: Encoders | None = None,
) -> KnowledgeBase:
    """The knowledge base of `home` under `config`. Close it after use, or open it by ``with``.

    Args:
        home: The folder with its library and its index, as of ``kb --home``.
        config: By default what the home's ``kb.yaml`` says, or the profile that it was made with.
        rebuild: Forget ledger and vectors; the folders that were synced stay known.
        encoders: In place of the profile's own.

    Raises:
        ConfigError: A setting of the home is not accepted.
        IndexMismatchError: The index was made with another encoder.
        ModelLoadError: A model is missing or damaged.
        StoreInUseError: Another process has the index open.
        StoreUnavailableError: The store can't be opened or reached.
    """
    home = home if isinstance(home, Home) else Home(Path(home))
    finish_import(home)
    return _open(home, config or load_config(home), rebuild=rebuild, encoders=encoders)


def reopen(knowledge_base: KnowledgeBase, config: Config) -> None:
    """Have a knowledge base answer from the vectors of `config`, which `reembed_library` put in
    the place of those that it has open. Call it while nothing is synced.

    Raises:
        IndexMismatchError: The new vectors are not of `config`.
        ModelLoadError, StoreInUseError, StoreUnavailableError: As `open_knowledge_base`. In any
            case of an error it goes on as it was.
    """
    knowledge_base.take_over(_open(knowledge_base.home, config, ledger=knowledge_base.ledger))


def _open(
    home: Home,
    config: Config,
    *,
    rebuild: bool = False,
    encoders: Encoders | None = None,
    ledger: Ledger | None = None,
) -> KnowledgeBase:
    make_private(home)
    assets = AssetStore(home.assets)
    models = Models(home, config, assets)
    encoders = encoders or models.encoders()
    if rebuild:
        _discard(home, config)
    # After the rebuild: a remote encoder's fingerprint rests on answers that it forgets.
    schema = CollectionSchema.of(encoders, config.store)
    place = StorePlace(home, config)
    store = _open_store(home, config, schema, place, _missing(encoders.dense))
    with ExitStack() as opened:
        opened.callback(store.close)
        if ledger is None:
            ledger = Ledger(home.ledger, place.require_current)
            opened.callback(ledger.close)
        reranker = models.reranker()
        knowledge_base = KnowledgeBase(
            home=home,
            config=config,
            ledger=ledger,
            vocabulary=Vocabulary(home.words),
            store=store,
            place=place,
            assets=assets,
            encoders=encoders,
            retriever=Retriever(store, encoders, ledger, config.retrieve),
            reranker=reranker,
            answerer=_answerer(home, models, encoders.dense, reranker, ledger),
            model_states=models.states,
            note=" ".join(
                part
                for part in (_profile_note(config, encoders.dense), models.placement.note)
                if part
            ),
        )
        # It closes them from here on.
        opened.pop_all()
    return knowledge_base


def answerer_with(knowledge_base: KnowledgeBase, generator: GeneratorConfig) -> Answerer:
    """Makes answers of what `knowledge_base` finds, with another generator than its own.

    Raises:
        ConfigError: Its API key names a variable of the environment that is not set.
        ModelLoadError: Its model is missing or damaged.
    """
    config = knowledge_base.config.model_copy(update={"generator": generator})
    return _other_answerer(
        knowledge_base, Models(knowledge_base.home, config, knowledge_base.assets)
    )


def use_generator(knowledge_base: KnowledgeBase, generator: GeneratorConfig) -> None:
    """Have `knowledge_base` write with another generator from the next answer on, where words are
    encoded as in `starter`: nothing else of a profile hangs on it there.

    Raises:
        ConfigError: The profile is another, or as `answerer_with`.
        ModelLoadError: As `answerer_with`. In any case of an error it goes on as it was.
    """
    former = knowledge_base.config
    if former.encoder.kind != "text":
        raise ConfigError(
            f"What writes answers is a part of the profile {former.profile!r}: its models share a "
            "device. Change it in kb.yaml, and start again."
        )
    config = former.model_copy(update={"generator": generator})
    models = Models(knowledge_base.home, config, knowledge_base.assets)
    answerer = _other_answerer(knowledge_base, models)
    note = _profile_note(config, knowledge_base.encoders.dense)
    knowledge_base.write_with(config, answerer, models.states, note)


def _other_answerer(knowledge_base: KnowledgeBase, models: Models) -> Answerer:
    return _answerer(
        knowledge_base.home,
        models,
        knowledge_base.encoders.dense,
        knowledge_base.reranker,
        knowledge_base.ledger,
    )


def _answerer(
    home: Home,
    models: Models,
    encoder: Encoder,
    reranker: Reranker,
    ledger: Ledger,
) -> Answerer:
    """What makes answers of hits. Over the encoders of `starter` quotes come first, and what a
    table or a known picture tells is never left to a model."""
    quotes, writer = models.quotes(encoder), models.writer()
    if quotes is None:
        assert writer is not None
        checker = ClaimChecker(models.claim_scorer(reranker), claim_thresholds(home))
        return Answerer(GatedGenerator(writer, Judge(encoder)), ledger, checker)
    tables = TableAnswers(ledger)
    shown = ShownAnswers(quotes, tables)
    if writer is None:
        # A quote is its own evidence.
        return Answerer(quotes, ledger, None, tables, shown, medium=MediumAnswers(quotes))
    checker = ClaimChecker(models.claim_scorer(reranker), claim_thresholds(home))
    return Answerer(writer, ledger, checker, tables, shown, quotes)


def _open_store(
    home: Home, config: Config, schema: CollectionSchema, place: StorePlace, missing: str
) -> MaintainedStore:
    """`missing`: The model that the profile's encoder works without."""
    try:
        return place.open(schema)
    except IndexMismatchError as error:
        former = home.noted_profile()
        if not former and config.store.url is None:
            # Nothing was ever indexed here: another profile was looked at.
            place.discard_all()
            return place.open(schema)
        if former == config.profile:
            made = f"under other settings of {former}, or by an earlier version of it"
            back = (
                f"install {missing}, which is not on this machine" if missing else "set them back"
            )
        else:
            made = f"with the profile {former}" if former else "with other models"
            back = f"go on with `--profile {former}`" if former else "choose their profile"
        raise IndexMismatchError(
            f"The vectors of this library were made {made}. `kb sync --profile {config.profile} "
            f"--reembed` makes new ones beside them, which answer meanwhile; or {back}. ({error})",
            collection=error.collection,
        ) from error


def reembed_library(
    home: Home,
    config: Config,
    listen: Callable[[ReembedProgress], None],
    stop: threading.Event,
) -> ReembedProgress:
    """Make the vectors of `config` for all that is indexed, and let them answer once they are
    whole. What answers now is not touched until then, and may be open in a server.

    Returns:
        How far it came: ``(0, 0)`` where the vectors are of `config` already.

    Raises:
        InferenceError, ModelLoadError: The new encoder failed; run it again to go on.
        StoreInUseError: Another process makes new vectors, or has these open.
        StoreUnavailableError: A store can't be opened or reached.
    """
    assets = AssetStore(home.assets)
    encoders = Models(home, config, assets).encoders()
    if isinstance(encoders.dense, RemoteEncoder):
        encoders.dense.accept_what_is_served()
    schema = CollectionSchema.of(encoders, config.store)
    place = StorePlace(home, config)
    if place.holds(schema):
        home.note_profile(config.profile)
        return ReembedProgress(0, 0)
    ledger = Ledger(home.ledger)
    try:
        with place.beside(schema) as target:
            labels: dict[str, DocumentLabels] = {}
            while True:
                progress = reembed(ledger, encoders, target, labels, listen, stop)
                if progress.n_done < progress.n_total:
                    return progress
                # A server may have indexed or moved something since. From the swap on it writes
                # nothing more with the former encoders: see `Ledger.may_write`.
                with ledger.unchanged():
                    if ledger.chunk_ids() == set(target.ids()) and ledger.labels() == labels:
                        # Before the swap: a server that sees it opens the profile of the note.
                        home.note_profile(config.profile)
                        place.swap(schema)
                        return progress
    finally:
        ledger.close()


def claim_thresholds(home: Home) -> Thresholds:
    """The calibrations of the claim check: the home's, then the one that `starter` ships with."""
    shipped = resources.files("configs").joinpath("claims_starter.json")
    return Thresholds(home.path / "claims.json", shipped)


def _missing(encoder: Encoder) -> str:
    return encoder.missing if isinstance(encoder, SentenceTransformerEncoder) else ""


def _profile_note(config: Config, encoder: Encoder) -> str:
    """What the profile means for the person who asks, in a few sentences."""
    finds = f" {encoder.note}" if isinstance(encoder, TextEncoder) else ""
    return f"{_ENCODER_NOTES[config.encoder.kind]}{finds} {_GENERATOR_NOTES[config.generator.kind]}"


_ENCODER_NOTES = {
    "text": (
        "Offline on this computer's processor. Pictures are found by likeness and by the words in "
        "them."
    ),
    "qwen3-vl": (
        "On this computer. Words in any language, pictures, pages and clips are found by meaning "
        "and by words."
    ),
    "remote": (
        "On the servers of the configuration. Words in any language, pictures, pages and clips "
        "are found by meaning and by words; what is indexed and asked is sent there."
    ),
}
_GENERATOR_NOTES = {
    "extractive": "Answers are quotes from your files.",
    "qwen3-vl": "Answers are written by a model from your files, each claim with its source.",
    "remote": "Answers are written by a model from your files, each claim with its source.",
    "llama": "Answers are written on this computer's processor, each claim with its source.",
}


def _discard(home: Home, config: Config) -> None:
    # Takes the lock first: a ledger that another process has open must not be deleted.
    StorePlace(home, config).discard_all()
    home.remote_encoder.unlink(missing_ok=True)
    home.words.unlink(missing_ok=True)
    others = home.roots(config)
    roots = [root for root in salvage_roots(home.ledger) if root not in others]
    saved = salvage_conversations(home.ledger)
    # Conversations are nowhere else: a new ledger takes the place of the old one with them in it.
    new = home.ledger.with_name(f"{home.ledger.name}.new")
    for path in (new, home.ledger):
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    new.unlink(missing_ok=True)
    ledger = Ledger(new)
    ledger.add_roots(roots)
    ledger.conversations.put(saved)
    ledger.close()
    new.replace(home.ledger)
