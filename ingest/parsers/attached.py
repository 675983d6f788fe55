"""Files inside files: what is attached to a mail is read by the parser of its own kind."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ingest.decode.media import sniff
from ingest.parsers.base import ParseContext, Parser
from kb.errors import IngestError
from kb.types import Segment, Source

__all__ = ["AttachedFile", "attached_segments"]

# Of four bytes each, at most, they are a name that disks allow.
_MAX_NAME_CHARS = 60
_NO_NAME = re.compile(r"[/\\:\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as it lies in another: its name there, and its bytes."""

    name: str
    data: bytes


def attached_segments(
    file: AttachedFile,
    source: Source,
    context: ParseContext,
    parser_for: Callable[[str], Parser | None],
) -> Iterator[Segment]:
    """The segments of a file inside another, titled ``report.pdf in mail.eml``; its own title
    heads them. What can't be read of it is a warning, and the rest of the outer file goes on.

    Args:
        source: The outer file.
        parser_for: The parser of a media type, None where there is none.
    """
    name = _NO_NAME.sub("", " ".join(file.name.split()))[-_MAX_NAME_CHARS:].lstrip(". ")
    name = name or "attachment"
    title = f"{name} in {PurePosixPath(source.path).name}"

    def warn(reason: str) -> None:
        context.warn(f"{name} in it: {reason}")

    if not file.data:
        warn("it is empty.")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(file.data)
        media = sniff(path)
        parser = parser_for(media[0]) if media is not None else None
        if media is None or parser is None:
            warn("this kind of file is not read. Save it as PDF, and sync that.")
            return
        inner = Source(
            root=path.parent,
            path=path.name,
            media_type=media[0],
            kind=media[1],
            sha256=sha256(file.data).hexdigest(),
            size_bytes=len(file.data),
            mtime_ns=source.mtime_ns,
        )
        try:
            for segment in parser.parse(inner, replace(context, warn=warn)):
                own = () if segment.title in ("", path.stem) else (segment.title,)
                headings = segment.headings
                if headings[:1] != own:
                    headings = (*own, *headings)
                yield replace(segment, title=title, headings=headings)
        except IngestError as error:
            warn(str(error))
