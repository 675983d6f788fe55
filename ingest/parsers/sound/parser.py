"""The parser of recordings: what is said in them, with its seconds."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.parsers.base import ParseContext
from kb.types import Segment, Source

__all__ = ["SoundParser"]


class SoundParser:
    """Reads MP3, M4A, WAV, FLAC, Ogg, Opus and AAC: TEXT segments of about a minute.

    Their text is what is said, a sentence a line, each line's span with its seconds and track; or
    the subtitles beside the file, which win. The heading names the language that was heard.
    """

    version = 2
    media_types = frozenset({"audio/mpeg", "audio/mp4", "audio/wav", "audio/flac", "audio/ogg"}) | {
        "audio/aac"
    }

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments in order of time; see `Parser.parse`."""
        # Imported late: every sync asks a parser for its version, few open a file.
        from ingest.parsers.sound.words import companion_cues, spoken_segments, subtitle_segments

        cues = tuple(companion_cues(source, context.warn))
        if cues:
            yield from subtitle_segments(cues, source, context.config)
        else:
            yield from spoken_segments(source, context)
