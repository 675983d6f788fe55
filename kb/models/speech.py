"""Speech to text: Whisper through faster-whisper, behind Silero's voice detection.

Whisper writes sentences of its own over silence, music and noise (Koenecke et al., "Careless
Whisper", 2024). So it hears only what the voice detection takes for speech, one pass without what
was said before, and what it is unsure of is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import InferenceError, ModelLoadError
from kb.hub.speech import find_speech_model

__all__ = [
    "SAMPLE_RATE_HZ",
    "Speech",
    "SpeechModel",
    "Utterance",
    "require_faster_whisper",
    "speech_ranges",
    "speech_version",
]

SAMPLE_RATE_HZ = 16_000
"""Of the sound that the model hears."""

_VERSION = 1  # Raised when the same sound would give other words.
# One try, and one more where the first repeats itself or is unsure (Radford et al., "Robust Speech
# Recognition via Large-Scale Weak Supervision", 2022, section 4.5; theirs tries five more).
_TEMPERATURES = (0.0, 0.4)
# Under these the words are guessed: the mean log probability of the tokens; and the same where the
# model also takes the sound for no speech. The model's own limits are -1 and 0.6, both at once, and
# let white noise and languages that it doesn't understand through.
_LEAST_LOGPROB = -0.8
_NO_SPEECH = 0.6
_LEAST_LOGPROB_OF_NOISE = -0.4
# Text that packs better than this is a loop; the model's own limit, 2.4, is what an announcement
# said three times comes to.
_MOST_COMPRESSION = 4.0
# A pause so long ends a sentence that has no full stop, and so many seconds do.
_PAUSE_S = 1.0
_LONGEST_S = 15.0
_ENDS = (".", "?", "!", "。", "？", "！", "…", "।", "؟")
# Voice detection cuts longer speech at its longest pause.
_LONGEST_SPEECH_S = 30.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words that were spoken from `start_s` to `end_s`: a sentence, or a part of one."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Speech:
    """What was heard.

    Attributes:
        utterances: In order of time.
        language: Its code, as ``en``; empty where nobody speaks.
    """

    utterances: tuple[Utterance, ...]
    language: str = ""


class SpeechModel:
    """Whisper in memory, on the processor, in 8 bits.

    Args:
        name: Of the catalog, or a directory; see `kb.hub.speech.find_speech_model`.
        home_models_dir: ``Home.models``.
        n_threads: Threads of the processor.

    Raises:
        ModelLoadError: faster-whisper is not installed; the model is missing, not the published
            one, or can't be loaded.
    """

    def __init__(self, name: str, home_models_dir: Path, n_threads: int) -> None:
        require_faster_whisper()
        files = find_speech_model(name, home_models_dir)
        from faster_whisper import WhisperModel

        try:
            content: dict[str, Any] | None = dict(files.read()) or None
            self._model = WhisperModel(
                str(files.directory or files.name),
                device="cpu",
                compute_type="int8",
                cpu_threads=n_threads,
                local_files_only=True,
                files=content,
            )
        except MemoryError as error:
            raise ModelLoadError(
                f"There is too little memory for the speech model {files.name}. Close other "
                "programs, or raise `ingest.memory_limit_bytes` in kb.yaml; then run `kb sync "
                "--retry`.",
                model_id=files.name,
            ) from error
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelLoadError(
                f"The speech model {files.name} ({files.origin}) can't be loaded: {error}. "
                f"{files.remedy}".rstrip(),
                model_id=files.name,
            ) from error
        self.name = files.name

    def hear(
        self,
        samples: NDArray[np.float32],
        language: str | None = None,
        spoken: list[dict[str, int]] | None = None,
    ) -> Speech:
        """What is said in some sound.

        Args:
            samples: (n,) in [-1, 1], at `SAMPLE_RATE_HZ`.
            language: Its code, where it is known.
            spoken: Its `speech_ranges`, where they are known.

        Raises:
            InferenceError: The model failed.
        """
        if spoken is None:
            spoken = speech_ranges(samples)
        if not spoken:
            return Speech((), language or "")
        from faster_whisper.vad import SpeechTimestampsMap

        times = SpeechTimestampsMap(spoken, SAMPLE_RATE_HZ)
        voiced = np.concatenate([samples[one["start"] : one["end"]] for one in spoken])
        try:
            segments, about = self._model.transcribe(
                voiced,
                language=language,
                temperature=list(_TEMPERATURES),
                condition_on_previous_text=False,
                word_timestamps=True,
            )
            kept = [segment for segment in segments if _is_sure(segment)]
        except Exception as error:
            raise _failed(samples, error, self.name) from error
        words = [
            Utterance(
                times.get_original_time(float(word.start)),
                times.get_original_time(float(word.end), is_end=True),
                str(word.word),
            )
            for segment in kept
            for word in segment.words or ()
        ]
        utterances = tuple(_sentences(words))
        return Speech(utterances, str(about.language) if utterances else language or "")


def require_faster_whisper() -> None:
    """Look whether what hears is installed.

    Raises:
        ModelLoadError: It is not.
    """
    if find_spec("faster_whisper") is None:
        raise ModelLoadError(
            "Speech is not transcribed here: faster-whisper is not installed. Run `pip install "
            "'.[sound]'` where this program was installed from (about 300 MB with the model), "
            "then `kb sync --retry`.",
            model_id="faster-whisper",
        )


def speech_version() -> str:
    """Changes when the same sound would give other words."""
    return f"{_VERSION}-{metadata.version('faster-whisper')}"


def speech_ranges(samples: NDArray[np.float32]) -> list[dict[str, int]]:
    """``start`` and ``end``, in samples, of what sounds like speech, at most half a minute each,
    in order and apart (Silero VAD).

    Raises:
        InferenceError: The voice detection failed.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(max_speech_duration_s=_LONGEST_SPEECH_S)
    try:
        found: list[dict[str, int]] = get_speech_timestamps(samples, options)
    except Exception as error:  # onnxruntime raises plain Exceptions of its own.
        raise _failed(samples, error, "silero-vad") from error
    return found


def _failed(samples: NDArray[np.float32], error: Exception, model_id: str) -> InferenceError:
    said = str(error) or type(error).__name__
    return InferenceError(
        f"Listening to {len(samples) / SAMPLE_RATE_HZ:.0f} s of sound failed: {said}. Convert the "
        "file to another format and sync again.",
        model_id=model_id,
    )


def _is_sure(segment: Any) -> bool:
    least = _LEAST_LOGPROB_OF_NOISE if segment.no_speech_prob > _NO_SPEECH else _LEAST_LOGPROB
    return bool(segment.avg_logprob > least and segment.compression_ratio <= _MOST_COMPRESSION)


def _sentences(words: Sequence[Utterance]) -> Iterator[Utterance]:
    """Words put together to sentences, those without a letter or a digit left out."""
    first = 0
    for i, word in enumerate(words):
        is_last = i + 1 == len(words)
        if (
            is_last
            or word.text.rstrip().endswith(_ENDS)
            or words[i + 1].start_s - word.end_s > _PAUSE_S
            or words[i + 1].end_s - words[first].start_s > _LONGEST_S
        ):
            text = "".join(one.text for one in words[first : i + 1]).strip()
            if any(map(str.isalnum, text)):
                yield Utterance(words[first].start_s, word.end_s, text)
            first = i + 1
