"""What is said in a recording or a video, as segments with seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from ingest.companions import read_beside
from ingest.confined import confined, confined_items
from ingest.decode.languages import language_of_name
from ingest.decode.sound import has_sound, read_sound
from ingest.decode.subtitles import Cue, parse_subtitles
from ingest.parsers.base import Heard, ParseContext, Samples
from ingest.parsers.sound.languages import language_name
from kb.config import IngestConfig
from kb.errors import ModelError, ParseError
from kb.tracks import Track, TrackKind
from kb.types import Locator, Modality, Segment, Source, Span

__all__ = [
    "companion_cues",
    "cues_of",
    "heading_of",
    "joined",
    "spoken_of_video",
    "spoken_segments",
    "subtitle_segments",
]

_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})
# Those of a day of talk have some five.
_MAX_SUBTITLES_BYTES = 64 * 1024 * 1024
# As long as a window of a video.
_SEGMENT_S = 64.0
# A pause that ends a segment before it is full.
_LONG_PAUSE_S = 20.0


def spoken_segments(source: Source, context: ParseContext) -> Iterator[Segment]:
    """What is said in a file, as text of about a minute each.

    Raises:
        ParseError: Nobody speaks, the sound can't be decoded, or nothing here hears it.
        SourceUnavailableError: The file vanished or may not be read.
    """
    if context.listen is None:
        raise ParseError(
            "Its sound was not listened to, since `ingest.sound.enabled` is false in kb.yaml."
        )
    held: list[Cue] = []
    language, n_segments = "", 0
    try:
        for heard in context.listen(_sound(source, context.warn)):
            language = heard.language
            for cue in cues_of(heard):
                if held and _is_full(held, cue):
                    yield _segment(held, source, heading_of(language))
                    held, n_segments = [], n_segments + 1
                held.append(cue)
    except (ModelError, ParseError) as error:
        if not held and not n_segments:
            raise ParseError(str(error)) from error
        context.warn(f"Not all of its sound could be listened to. {error}")
    if held:
        yield _segment(held, source, heading_of(language))
    elif not n_segments:
        raise ParseError(
            "No speech was found in its sound: it is silence, music or noise, or nobody can be "
            "made out."
        )


def spoken_of_video(source: Source, context: ParseContext) -> Iterator[Heard] | None:
    """What is said in a video, listened to as far as it is asked for; None where it has no sound,
    or listening is switched off. What goes wrong is a warning: there are pictures as well.

    Raises:
        SourceUnavailableError: The file vanished or may not be read.
    """
    path = source.absolute
    if context.listen is None or not confined(lambda: has_sound(path), path):
        return None
    return _forgiving(context.listen(_sound(source, context.warn)), context.warn)


def subtitle_segments(
    cues: Iterable[Cue], source: Source, config: IngestConfig
) -> Iterator[Segment]:
    """Subtitles by window, as text."""
    left = deque(sorted(cues, key=lambda cue: cue.start_s))
    length_s = config.video.max_frames / config.video.fps
    while left:
        end_s = (left[0].start_s // length_s + 1) * length_s
        said = []
        while left and left[0].start_s < end_s:
            said.append(left.popleft())
        yield _segment(said, source, ())


def companion_cues(source: Source, warn: Callable[[str], None]) -> Iterator[Cue]:
    """The cues of the subtitles beside a file.

    Args:
        warn: Told of files that hold none, or can't be read.
    """
    for companion in source.companions:
        if companion.suffix.lower() not in _SUBTITLE_SUFFIXES:
            continue
        language = language_of_name(companion, source.absolute.stem)
        try:
            cues = parse_subtitles(read_beside(companion, _MAX_SUBTITLES_BYTES), language)
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


def cues_of(heard: Heard) -> list[Cue]:
    """What was said as cues."""
    track = Track(TrackKind.SPEECH, heard.language)
    return [Cue(one.start_s, one.end_s, one.text, track) for one in heard.utterances]


def heading_of(language: str) -> tuple[str, ...]:
    """The heading of what was heard in a language; none where there is no language."""
    return (f"Speech in {language_name(language)}",) if language else ()


def joined(cues: Sequence[Cue]) -> tuple[str, tuple[Span, ...]]:
    """The words of cues, a line each, and where they are said."""
    spans: list[Span] = []
    start = 0
    for cue in cues:
        anchor = cue.track.anchor if cue.track is not None else None
        locator = Locator(start_s=cue.start_s, end_s=cue.end_s, anchor=anchor)
        spans.append(Span(start, start + len(cue.text), locator))
        start += len(cue.text) + 1
    return "\n".join(cue.text for cue in cues), tuple(spans)


def _sound(source: Source, warn: Callable[[str], None]) -> Iterator[Samples]:
    path, kind = source.absolute, source.kind
    return confined_items(lambda: read_sound(path, kind, warn), path)


def _forgiving(heard: Iterator[Heard], warn: Callable[[str], None]) -> Iterator[Heard]:
    try:
        yield from heard
    except (ModelError, ParseError) as error:
        warn(f"Its sound could not be listened to, or not all of it. {error}")


def _is_full(held: Sequence[Cue], cue: Cue) -> bool:
    return cue.end_s - held[0].start_s > _SEGMENT_S or cue.start_s - held[-1].end_s > _LONG_PAUSE_S


def _segment(cues: Sequence[Cue], source: Source, headings: tuple[str, ...]) -> Segment:
    text, spans = joined(cues)
    return Segment(
        modality=Modality.TEXT,
        locator=Locator(start_s=cues[0].start_s, end_s=max(cue.end_s for cue in cues)),
        text=text,
        title=source.absolute.stem,
        headings=headings,
        spans=spans,
        atomic=True,
    )
