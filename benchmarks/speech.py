"""Speech to text: ``python -m benchmarks.speech [--json]``.

Sentences that espeak-ng speaks, in two voices of English, are heard back: the word error rate
(substitutions, deletions and insertions over the words that were spoken; numbers as digits on both
sides), clean and over noise, and how many seconds of sound are heard in a second. Then minutes of
silence, noise, tones and chords: words that are heard there are invented.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ingest.decode.speech import SpeechReader
from kb.config import Home, SoundConfig
from kb.errors import ModelLoadError
from kb.models.speech import SAMPLE_RATE_HZ

VOICES = ("en-us", "en-gb")
SENTENCES = """
Clean the filter every two weeks with warm water.
Let it dry for 24 hours before you put it back.
The warranty ends after 36 months.
The meeting in Leeds was moved to Friday at 10.
Peter ordered the new printer on Monday.
Do not open the cover while the fan is turning.
Our office is closed between Christmas and New Year.
The train to the airport leaves every 20 minutes.
Please send the invoice to the accounts department.
Press the red button for 5 seconds until the light goes off.
The budget for next year is 42000 dollars.
Sarah will present the results of the survey tomorrow.
The tank holds 80 liters of water.
Water the plants in the kitchen twice a week.
The contract can be cancelled at the end of each quarter.
Nobody may enter the laboratory without safety glasses.
We found a leak in the pipe under the sink.
The library opens at 9 and closes at 6.
Store the medicine in a cool and dry place.
The new bridge is 300 meters long.
""".strip().splitlines()
NOISE_DB = 15.0
QUIET_S = 60.0

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        n_words: That were spoken.
        word_error_rate: Of the clean sentences.
        word_error_rate_noisy: Of the same with white noise, `NOISE_DB` below the speech.
        times_real_time: Seconds of speech heard in a second, model loaded.
        load_s: Until the model is loaded, checked and has heard a second of noise.
        n_invented_words: In `quiet_s` seconds without speech.
        quiet_s: Seconds of silence, noise, tones and chords.
    """

    n_words: int
    word_error_rate: float
    word_error_rate_noisy: float
    times_real_time: float
    load_s: float
    n_invented_words: int
    quiet_s: float


def spoken(sentence: str, voice: str) -> Wave:
    """A sentence in a voice of espeak-ng: (n,) at 16 kHz, a half second of silence around it."""
    command = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", sentence]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate_hz = file.getframerate()
        data = file.readframes(1 << 30)
    samples = np.frombuffer(data, np.int16).astype(np.float32) / 32_768
    n = int(len(samples) * SAMPLE_RATE_HZ / rate_hz)
    at = np.arange(n) * rate_hz / SAMPLE_RATE_HZ
    heard = np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
    return np.pad(heard, SAMPLE_RATE_HZ // 2)


def with_noise(samples: Wave, seed: int) -> Wave:
    """White noise `NOISE_DB` below the mean power."""
    scale = np.sqrt(np.mean(samples**2)) * 10 ** (-NOISE_DB / 20)
    random = np.random.default_rng(seed)
    return samples + random.normal(0, scale, len(samples)).astype(np.float32)


def quiet() -> dict[str, Wave]:
    """Sound without speech, `QUIET_S` seconds of each kind."""
    times_s = np.arange(round(QUIET_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    random = np.random.default_rng(1)
    white = random.normal(0, 0.1, len(times_s))
    steps = [1, 5 / 4, 3 / 2]
    roots_hz = np.array([262.0, 220.0, 175.0, 196.0])[(times_s / 0.5).astype(int) % 4]
    chords = sum(np.sin(2 * np.pi * roots_hz * step * times_s) for step in steps)
    made = {
        "silence": np.zeros_like(times_s),
        "white noise": white,
        "brown noise": np.cumsum(white) / 100,
        "tone": 0.4 * np.sin(2 * np.pi * 440 * times_s),
        "chords": 0.2 * np.exp(-4 * (times_s % 0.5)) * chords,
    }
    return {name: np.clip(one, -1, 1).astype(np.float32) for name, one in made.items()}


def words(text: str) -> list[str]:
    """Lower-case words and numbers, without punctuation and the separators of thousands."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold()).replace("$", " dollars ")
    return re.findall(r"[a-z0-9']+", plain)


class Ear:
    """Hears with a cache that nothing was put into before."""

    def __init__(self, folder: Path) -> None:
        self._reader = SpeechReader(folder, SoundConfig().model, Home(Path("data")).models, 2)

    def hear(self, samples: Wave) -> str:
        """What is said."""
        pieces = self._reader.hear([(samples * 32_767).astype(np.int16)])
        return " ".join(one.text for piece in pieces for one in piece.utterances)


def error_rate(ear: Ear, pairs: list[tuple[str, Wave]]) -> float:
    """Word errors over the words that were spoken."""
    n_errors = n_words = 0
    for sentence, samples in pairs:
        wanted = words(sentence)
        n_errors += Levenshtein.distance(wanted, words(ear.hear(samples)))
        n_words += len(wanted)
    return n_errors / n_words


def measure(folder: Path) -> Figures:
    """All figures, with a cache in `folder`."""
    ear = Ear(folder)
    start_s = time.perf_counter()
    ear.hear(with_noise(spoken("Hello.", VOICES[0]), 0))
    load_s = time.perf_counter() - start_s
    pairs = [(one, spoken(one, voice)) for voice in VOICES for one in SENTENCES]
    noisy = [(one, with_noise(samples, n)) for n, (one, samples) in enumerate(pairs)]
    # Sentences a few at a time, as people speak, not one in half a minute of silence.
    talk = np.concatenate([samples for _, samples in pairs])
    start_s = time.perf_counter()
    ear.hear(talk)
    talk_s = time.perf_counter() - start_s
    still = quiet()
    return Figures(
        n_words=sum(len(words(one)) for one, _ in pairs),
        word_error_rate=round(error_rate(ear, pairs), 3),
        word_error_rate_noisy=round(error_rate(ear, noisy), 3),
        times_real_time=round(len(talk) / SAMPLE_RATE_HZ / talk_s, 1),
        load_s=round(load_s, 1),
        n_invented_words=sum(len(words(ear.hear(one))) for one in still.values()),
        quiet_s=QUIET_S * len(still),
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not installed (apt-get install espeak-ng): nothing speaks.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(Path(folder))
    except ModelLoadError as error:
        sys.exit(str(error))
    if as_json:
        print(json.dumps(asdict(figures)))
        return
    print(f"{figures.n_words} words of espeak-ng: word error rate {figures.word_error_rate:.1%}")
    print(f"the same over noise, {NOISE_DB:g} dB: {figures.word_error_rate_noisy:.1%}")
    print(f"{figures.times_real_time} times real time; model loaded after {figures.load_s} s")
    print(f"{figures.n_invented_words} words in {figures.quiet_s:g} s without speech")


if __name__ == "__main__":
    main()
