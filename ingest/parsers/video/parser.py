"""The parser of video: windows of at most 64 frames, with what is said and shown in them."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.parsers.base import ParseContext
from kb.types import Segment, Source

__all__ = ["VideoParser"]


class VideoParser:
    """Reads MP4, MOV, AVI, MKV and WebM: one VIDEO segment a window.

    A window has at most ``video.max_frames`` frames, ``1 / video.fps`` s apart. Its text is
    the subtitles that begin in it (embedded text tracks, and .srt and .vtt files among the
    source's companions), or where there are none what is said in it, a line each, then the words
    read on screen, each once. Each line's span has the seconds at which it is said or shown, and
    the track that it is of. A video of several windows has one more segment, of frames spread over
    the whole, without text.
    """

    version = 3
    media_types = frozenset(
        {"video/mp4", "video/quicktime", "video/x-msvideo", "video/x-matroska", "video/webm"}
    )

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The windows in order, one held at a time, then the overview; see `Parser.parse`.

        Of a video without pictures that can be read, the subtitles beside it, or what is said in
        it, are given as text.
        """
        # Imported late: every sync asks a parser for its version, few open a file.
        from ingest.parsers.video.windows import read_windows

        return read_windows(source, context)
