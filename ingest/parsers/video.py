"""Video: windows of at most 64 frames, with what is said and shown in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from ingest.containers import probe
from ingest.frames import Sample, encode_frame, n_samples, sample_frames
from ingest.parsers.base import OcrText, ParseContext
from ingest.screen_text import ScreenText, is_same_line
from ingest.subtitles import Cue, parse_subtitles, read_embedded
from kb.types import EncodedImage, Frame, Locator, Modality, Segment, Source, Span

__all__ = ["OVERVIEW_ANCHOR", "VideoParser"]

OVERVIEW_ANCHOR = "overview"
"""The anchor of the segment that shows a whole video in as many frames as a window has."""

_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})


class VideoParser:
    """Reads MP4, MOV, AVI, MKV and WebM: one VIDEO segment a window.

    A window has at most ``video.max_frames`` frames, ``1 / video.fps`` s apart. Its text is
    the subtitles that begin in it (embedded text tracks, and .srt and .vtt files among the
    source's companions), a line each, then the words read on screen, each once. Each line's
    span has the seconds at which it is said or shown. A video of several windows has one
    more segment, of frames spread over the whole, without text.
    """

    version = 1
    media_types = frozenset(
        {"video/mp4", "video/quicktime", "video/x-msvideo", "video/x-matroska", "video/webm"}
    )

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The windows in order, one held at a time, then the overview; see `Parser.parse`."""
        path, config = source.absolute, context.config
        info = probe(path, config.max_image_px)
        cues = _Cues((*read_embedded(path), *_companion_cues(source, context.warn)))
        fps, n_frames = config.video.fps, config.video.max_frames
        n_expected = n_samples(info, fps)
        read_words = context.read_words if config.video.ocr else None
        window: _Window | None = None
        overview: list[Frame] = []
        last_s = 0.0
        for sample in sample_frames(info, config, fps, context.warn):
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
            cues = parse_subtitles(companion.read_bytes())
        except OSError as error:
            warn(
                f"The subtitles {companion.name} can't be read ({error.strerror}). Give this user "
                "permission to read them, then sync again."
            )
            continue
        if not cues:
            warn(
                f"The subtitles {companion.name} hold no line with times. Save them as SubRip "
                "(.srt) or WebVTT (.vtt)."
            )
        yield from cues
