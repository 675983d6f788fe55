"""A video as windows of at most so many frames, with what is said and shown in each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from ingest.confined import confined, confined_items
from ingest.decode.containers import probe
from ingest.decode.frames import Sample, encode_frame, n_samples, sample_frames
from ingest.decode.screen_text import ScreenReading, ScreenText, is_same_line
from ingest.decode.sound import is_sound_alone
from ingest.decode.subtitles import Cue, read_embedded
from ingest.limits import limits_of
from ingest.parsers.base import Heard, OcrText, ParseContext
from ingest.parsers.sound.words import (
    companion_cues,
    cues_of,
    heading_of,
    joined,
    spoken_of_video,
    spoken_segments,
    subtitle_segments,
)
from kb.errors import ParseError
from kb.text.humanize import timestamp
from kb.types import EncodedImage, Frame, Locator, Modality, Segment, Source

__all__ = ["OVERVIEW_ANCHOR", "read_windows"]

# Of the time that a file may take: its pictures are to be found to its end, whatever is on them.
_READING_SHARE = 0.5
OVERVIEW_ANCHOR = "overview"
"""The anchor of the segment that shows a whole video in as many frames as a window has."""


def read_windows(source: Source, context: ParseContext) -> Iterator[Segment]:
    """What `ingest.parsers.video.parser.VideoParser.parse` gives."""
    path, config = source.absolute, context.config
    try:
        info = confined(lambda: probe(path, config.max_image_px), path)
    except ParseError as error:
        yield from _without_pictures(source, context, error)
        return
    written = (
        *confined(lambda: read_embedded(path), path),
        *companion_cues(source, context.warn),
    )
    said = _Said(written, None if written else spoken_of_video(source, context))
    fps, n_frames = config.video.fps, config.video.max_frames
    n_expected = n_samples(info, fps)
    reading = None
    if context.read_words is not None and config.video.ocr:
        limit_s = limits_of(source.kind, source.size_bytes, config).time_s
        reading = ScreenReading(context.read_words, limit_s * _READING_SHARE)
    window: _Window | None = None
    overview: list[Frame] = []
    last_s = 0.0
    read_until_s = 0.0
    samples = confined_items(lambda: sample_frames(info, config, fps, context.warn), path)
    for sample in samples:
        k = round(sample.time_s * fps)
        start_s = k // n_frames * n_frames / fps
        if window is None or start_s != window.start_s:
            if window is not None:
                end_s = window.start_s + n_frames / fps
                yield window.segment(end_s, said.before(end_s), path.stem, said.language)
            window = _Window(start_s, reading.read if reading else None)
            if reading is not None and not reading.is_over:
                read_until_s = start_s
        frame = window.add(sample)
        if k * n_frames // n_expected != (k - 1) * n_frames // n_expected:
            overview.append(frame)
        last_s = sample.time_s
    if window is None:
        return
    # A sample stands for the 1/fps s after it, and a last half of one has none of its own.
    end_s = min(info.duration_s, last_s + 1.5 / fps, window.start_s + n_frames / fps)
    yield window.segment(end_s, said.before(float("inf")), path.stem, said.language)
    if reading is not None and reading.is_over:
        context.warn(
            f"Words on its screen were read up to about {timestamp(read_until_s)}: that took "
            f"{reading.spent_s:.0f} s, the share of `ingest.time_limit_s` in kb.yaml that reading "
            "them has. `kb sync --retry` goes on from there."
        )
    if window.start_s > 0:
        yield Segment(
            modality=Modality.VIDEO,
            locator=Locator(start_s=0.0, end_s=end_s, anchor=OVERVIEW_ANCHOR),
            title=path.stem,
            frames=tuple(overview),
            atomic=True,
        )


def _without_pictures(
    source: Source, context: ParseContext, error: ParseError
) -> Iterator[Segment]:
    """The words of a video without pictures that can be read, by window, as text: the subtitles
    beside it, or what is said in it.

    Raises:
        ParseError: There are none.
    """
    cues = tuple(companion_cues(source, context.warn))
    if cues:
        context.warn(f"Only the subtitles beside it were indexed. {error}")
        yield from subtitle_segments(cues, source, context.config)
        return
    path = source.absolute
    try:
        alone = confined(lambda: is_sound_alone(path), path)
        spoken = spoken_segments(source, context)
        first = next(spoken)
    except ParseError as also:
        raise error if str(also) == str(error) else ParseError(f"{error} {also}") from also
    if not alone:
        context.warn(f"Only what is said in it was indexed. {error}")
    yield first
    yield from spoken


class _Window:
    """The frames of some seconds, and the words on them."""

    def __init__(
        self, start_s: float, read_words: Callable[[EncodedImage], OcrText] | None
    ) -> None:
        self.start_s = start_s
        self._frames: list[Frame] = []
        self._last_sample: Sample | None = None
        self._screen = ScreenText(read_words) if read_words else None

    def add(self, sample: Sample) -> Frame:
        """Keep a sample as a frame."""
        if self._last_sample is not None and sample.picture is self._last_sample.picture:
            image = self._frames[-1].image
        else:
            image = encode_frame(sample.picture)
        self._last_sample = sample
        frame = Frame(sample.time_s, image)
        self._frames.append(frame)
        if self._screen:
            self._screen.add(sample.time_s, sample.picture)
        return frame

    def segment(self, end_s: float, spoken: Sequence[Cue], title: str, language: str) -> Segment:
        """The window as a segment that ends at `end_s`.

        Args:
            language: Of the sound, where `spoken` was heard.
        """
        shown = self._screen.finish(end_s) if self._screen else ()
        # Subtitles that are part of the picture say what the track says.
        new = [
            cue for cue in shown if not any(is_same_line(cue.text, said.text) for said in spoken)
        ]
        text, spans = joined([*spoken, *new])
        return Segment(
            modality=Modality.VIDEO,
            locator=Locator(start_s=self.start_s, end_s=end_s),
            text=text,
            title=title,
            headings=heading_of(language) if spoken else (),
            spans=spans,
            frames=tuple(self._frames),
            atomic=True,
        )


class _Said:
    """Words in order of time, handed out once.

    Args:
        cues: Subtitles.
        heard: What is said, listened to as far as it is asked for.
    """

    def __init__(self, cues: Iterable[Cue], heard: Iterator[Heard] | None) -> None:
        self._cues = deque(sorted(cues, key=lambda cue: (cue.start_s, cue.end_s)))
        self._heard = heard
        self._until_s = 0.0
        self.language = ""

    def before(self, end_s: float) -> list[Cue]:
        """Those that begin before `end_s` and were not handed out yet."""
        while self._heard is not None and self._until_s < end_s:
            more = next(self._heard, None)
            if more is None:
                break
            self._cues += cues_of(more)
            self._until_s, self.language = more.until_s, more.language
        taken = []
        while self._cues and self._cues[0].start_s < end_s:
            taken.append(self._cues.popleft())
        return taken
