"""Spoken words in the sound of a file, as cues with their seconds, cached.

Sound is heard in pieces of some minutes, cut where nobody speaks. What was heard in each is kept on
disk by its samples: a file whose reading was stopped goes on from there when it is tried again, and
one that was moved, or whose subtitles or pictures changed, is not listened to again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ingest.cache_uses import CacheUses
from ingest.parsers.base import Heard, Samples
from kb.files import write_whole
from kb.models.speech import (
    SAMPLE_RATE_HZ,
    Speech,
    SpeechModel,
    Utterance,
    require_faster_whisper,
    speech_ranges,
    speech_version,
)

__all__ = ["SpeechReader"]

# Long enough that cuts cost little, short enough that little is lost when one is stopped.
_PIECE_S = 120
# A piece whose end somebody may go on speaking over.
_TOUCHES_END_S = 0.6


class SpeechReader:
    """Hears speech; the model is loaded at the first piece with speech that is not in the cache.

    Attributes:
        uses: As of `OcrReader`.

    Args:
        cache: Directory of what was heard before; made when needed.
        model: Its name or directory, see `kb.hub.speech.find_speech_model`.
        models: ``Home.models``.
        n_threads: CPU threads of one reader; parsers run several side by side.
    """

    def __init__(self, cache: Path, model: str, models: Path, n_threads: int = 1) -> None:
        self.uses = CacheUses(cache)
        self._cache = cache
        self._name = model
        self._models = models
        self._n_threads = n_threads
        self._model: SpeechModel | None = None

    def hear(self, blocks: Iterable[Samples]) -> Iterator[Heard]:
        """What is said in sound that comes in blocks, a piece at a time.

        Args:
            blocks: As `ingest.decode.sound.read_sound` gives them.

        Raises:
            InferenceError: The model failed.
            ModelLoadError: What hears is not installed, missing, or not the published one.
        """
        require_faster_whisper()
        n_before, language = 0, ""
        for piece in _pieces(blocks):
            speech = self._hear(piece, language)
            language = language or speech.language
            start_s = n_before / SAMPLE_RATE_HZ
            n_before += len(piece)
            yield Heard(
                tuple(
                    replace(one, start_s=one.start_s + start_s, end_s=one.end_s + start_s)
                    for one in speech.utterances
                ),
                n_before / SAMPLE_RATE_HZ,
                language,
            )

    def _hear(self, piece: Samples, language: str) -> Speech:
        path = self._path(piece, language)
        self.uses.note(path)
        speech = _load(path)
        if speech is None:
            samples = _as_floats(piece)
            speech = Speech(())
            if spoken := speech_ranges(samples):
                if self._model is None:
                    self._model = SpeechModel(self._name, self._models, self._n_threads)
                speech = self._model.hear(samples, language or None, spoken)
            _save(path, speech)
        return speech

    def _path(self, piece: Samples, language: str) -> Path:
        digest = hashlib.sha256(piece.tobytes())
        digest.update(f"{self._name}|{language}|{speech_version()}".encode())
        sha256 = digest.hexdigest()
        return self._cache / sha256[:2] / f"{sha256}.json"


def _pieces(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Sound in pieces of about `_PIECE_S` s, none of which ends within a sentence where there is a
    pause to end at."""
    held: list[Samples] = []
    n_held = 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        if n_held >= _PIECE_S * SAMPLE_RATE_HZ:
            whole = np.concatenate(held)
            cut = _cut(whole)
            yield whole[:cut]
            held, n_held = [whole[cut:]], len(whole) - cut
    if n_held:
        yield np.concatenate(held)


def _cut(samples: Samples) -> int:
    """Where the last speech begins, if it may go on; else the end."""
    spoken = speech_ranges(_as_floats(samples))
    if not spoken or spoken[-1]["end"] < len(samples) - _TOUCHES_END_S * SAMPLE_RATE_HZ:
        return len(samples)
    return spoken[-1]["start"] or len(samples)


def _as_floats(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return samples.astype(np.float32) / np.float32(32_768)


def _load(path: Path) -> Speech | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        spoken = (Utterance(float(a), float(b), str(text)) for a, b, text in found["utterances"])
        return Speech(tuple(spoken), str(found["language"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save(path: Path, speech: Speech) -> None:
    content = {
        "language": speech.language,
        "utterances": [[one.start_s, one.end_s, one.text] for one in speech.utterances],
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, ensure_ascii=False).encode())
