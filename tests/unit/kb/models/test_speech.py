"""What is heard: words where somebody speaks, and none where nobody does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_sound import Wave, music, needs_speech, noise, silence, speech, tone

from kb.errors import InferenceError, ModelLoadError
from kb.models.speech import Speech, SpeechModel, require_faster_whisper, speech_ranges

pytestmark = needs_speech


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return SpeechModel("faster-whisper-base", Path("no models"), 2)


def test_words_have_their_seconds_and_their_language(model: SpeechModel) -> None:
    heard = model.hear(speech())

    first, second = heard.utterances
    assert heard.language == "en"
    assert "filter every two weeks with warm water" in first.text.casefold()
    assert "after 200 hours" in second.text
    assert 0.5 < first.start_s < 1.3
    assert 3.3 < first.end_s < 4.5
    # Behind the silence, which the model does not hear.
    assert 7.0 < second.start_s < 8.0
    assert 10.0 < second.end_s < 12.0


@pytest.mark.parametrize(
    "sound",
    [silence(8.0), np.zeros(0, np.float32), noise(6.0), tone(8.0), music(8.0)],
    ids=["silence", "nothing", "noise", "tone", "music"],
)
def test_no_sentence_is_invented(model: SpeechModel, sound: Wave) -> None:
    assert model.hear(sound) == Speech(())


def test_speech_is_heard_through_music(model: SpeechModel) -> None:
    loud = speech()
    mixed = loud + 0.1 * music(len(loud) / 16_000 + 0.01)[: len(loud)]

    text = " ".join(one.text for one in model.hear(mixed).utterances).casefold()

    assert "filter every two weeks" in text


def test_where_somebody_speaks_is_found() -> None:
    first, second = speech_ranges(speech())
    assert first["end"] < second["start"]
    assert not speech_ranges(silence(3.0))


def test_without_faster_whisper_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kb.models.speech.find_spec", lambda _: None)
    with pytest.raises(ModelLoadError, match=r"pip install '\.\[sound\]'.*kb sync --retry"):
        require_faster_whisper()


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path

import faster_whisper.vad
import numpy as np

from kb.errors import ModelError
from kb.models.speech import SpeechModel, speech_ranges

# Libraries and their threads are there before memory is short, and what is then asked for is far
# more than there is: in a library, one small allocation that fails may end the process.
sound = np.zeros(600 * 16_000, np.float32)
speech_ranges(sound[:16_000])
used_kb = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0])
limit_bytes = 1024 * used_kb + (16 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
try:
    if sys.argv[1] == "detect":
        speech_ranges(sound)
    else:
        SpeechModel("faster-whisper-base", Path("no models"), 1)
except ModelError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
@pytest.mark.parametrize(
    ("what", "told"),
    [("detect", "Listening to 600 s of sound failed"), ("load", "too little memory")],
)
def test_too_little_memory_is_the_models_error(what: str, told: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, what],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert told in result.stdout


def test_whatever_the_voice_detection_raises_is_the_models_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise Exception("[ONNXRuntimeError] : 1 : FAIL")

    monkeypatch.setattr("faster_whisper.vad.get_speech_timestamps", fails)
    with pytest.raises(InferenceError, match=r"Listening to 3 s of sound failed: \[ONNX"):
        speech_ranges(silence(3.0))


def test_another_directory_that_is_no_model_is_told(tmp_path: Path) -> None:
    for name in ("config.json", "model.bin", "vocabulary.txt"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelLoadError, match="can't be loaded"):
        SpeechModel(str(tmp_path), tmp_path, 1)
