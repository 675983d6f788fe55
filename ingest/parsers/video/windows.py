"""A video as windows of at most so many frames, with what is said and shown in each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from ingest.companions import read_beside
from ingest.confined import confined, confined_items
from ingest.decode.containers import probe
from ingest.decode.frames import Sample, encode_frame, n_samples, sample_frames
from ingest.decode.screen_text import ScreenText, is_same_line
from ingest.decode.subtitles import Cue, parse_subtitles, read_embedded
from ingest.parsers.base import OcrText, ParseContext
from kb.errors import ParseError
from kb.types import EncodedImage, Frame, Locator, Modality, Segment, Source, Span

__all__ = ["OVERVIEW_ANCHOR", "read_windows"]

OVERVIEW_ANCHOR = "overview"
"""The anchor of the segment that shows a whole video in as many frames as a window has."""

_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})
# Those of a day of talk have some five.
_MAX_SUBTITLES_BYTES = 64 * 1024 * 1024


def read_windows(source: Source, context: ParseContext) -> Iterator[Segment]:
    """What `ingest.parsers.video.parser.VideoParser.parse` gives."""
    path, config = source.absolute, context.config
    try:
        info = confined(lambda: probe(path, config.max_image_px), path)
    except ParseError as error:
        yield from _subtitles_alone(source, context, error)
        return
    cues = _Cues(
        (*confined(lambda: read_embedded(path), path), *_companion_cues(source, context.warn))
    )
    fps, n_frames = config.video.fps, config.video.max_frames
    n_expected = n_samples(info, fps)
    read_words = context.read_words if config.video.ocr else None
    window: _Window | None = None
    overview: list[Frame] = []
    last_s = 0.0
    samples = confined_items(lambda: sample_frames(info, config, fps, context.warn), path)
    for sample in samples:
        k = round(sample.time_s * fps)
        start_s = k // n_frames * n_frames / fps
        if window is None or start_s != window.start_s:
            if window is not None:
                end_s = window.start_s + n_frames / fps
                yield window.segment(end_s, cues.before(end_s), path.stem)
            window = _Window(start_s, read_words)
        frame = window.add(sample)
        if k * n_frames // n_expected != (k - 1) * n_frames // n_expected:
            overview.append(frame)
        last_s = sample.time_s
    if window is None:
        return
    # A sample stands for the 1/fps s after it, and a last half of one has none of its own.
    end_s = min(info.duration_s, last_s + 1.5 / fps, window.start_s + n_frames / fps)
    yield window.segment(end_s, cues.before(float("inf")), path.stem)
    if window.start_s > 0:
        yield Segment(
            modality=Modality.VIDEO,
            locator=Locator(start_s=0.0, end_s=end_s, anchor=OVERVIEW_ANCHOR),
            title=path.stem,
            frames=tuple(overview),
            atomic=True,
        )


def _subtitles_alone(source: Source, context: ParseContext, error: ParseError) -> Iterator[Segment]:
    """The subtitles beside a video without pictures that can be read, by window, as text."""
    config = context.config.video
    cues = deque(sorted(_companion_cues(source, context.warn), key=lambda cue: cue.start_s))
    if not cues:
        raise error
    context.warn(f"Only the subtitles beside it were indexed. {error}")
    length_s = config.max_frames / config.fps
    while cues:
        end_s = (cues[0].start_s // length_s + 1) * length_s
        said = []
        while cues and cues[0].start_s < end_s:
            said.append(cues.popleft())
        text, spans = _joined(said)
        yield Segment(
            modality=Modality.TEXT,
            locator=Locator(start_s=said[0].start_s, end_s=max(cue.end_s for cue in said)),
            text=text,
            title=source.absolute.stem,
            spans=spans,
            atomic=True,
        )


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

    def segment(self, end_s: float, spoken: Sequence[Cue], title: str) -> Segment:
        """The window as a segment that ends at `end_s`."""
        shown = self._screen.finish(end_s) if self._screen else ()
        # Subtitles that are part of the picture say what the track says.
        new = [
            cue for cue in shown if not any(is_same_line(cue.text, said.text) for said in spoken)
        ]
        text, spans = _joined([*spoken, *new])
        return Segment(
            modality=Modality.VIDEO,
            locator=Locator(start_s=self.start_s, end_s=end_s),
            text=text,
            title=title,
            spans=spans,
            frames=tuple(self._frames),
            atomic=True,
        )


class _Cues:
    """Subtitles in order of time, handed out once."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        self._cues = deque(sorted(cues, key=lambda cue: (cue.start_s, cue.end_s)))

    def before(self, end_s: float) -> list[Cue]:
        """Those that begin before `end_s` and were not handed out yet."""
        taken = []
        while self._cues and self._cues[0].start_s < end_s:
            taken.append(self._cues.popleft())
        return taken


def _joined(cues: Sequence[Cue]) -> tuple[str, tuple[Span, ...]]:
    spans: list[Span] = []
    start = 0
    for cue in cues:
        locator = Locator(start_s=cue.start_s, end_s=cue.end_s)
        spans.append(Span(start, start + len(cue.text), locator))
        start += len(cue.text) + 1
    return "\n".join(cue.text for cue in cues), tuple(spans)


def _companion_cues(source: Source, warn: Callable[[str], None]) -> Iterator[Cue]:
    for companion in source.companions:
        if companion.suffix.lower() not in _SUBTITLE_SUFFIXES:
            continue
        try:
            cues = parse_subtitles(read_beside(companion, _MAX_SUBTITLES_BYTES))
        except OSError as error:
            warn(
                f"The subtitles {companion.name} can't be read ({error.strerror}). Put them right, "
                "or give this user permission to read them, then sync again."
            )
            continue
        if not cues:
            warn(
                f"The subtitles {companion.name} hold no line with times. Save them as SubRip "
                "(.srt) or WebVTT (.vtt)."
            )
        yield from cues
