"""Server-sent events out of bytes that come in pieces (WHATWG HTML, 9.2)."""

from __future__ import annotations

import codecs
from typing import Final

__all__ = ["EventDecoder"]

_MAX_HELD: Final = 1024 * 1024  # characters of a line; what is no stream may have no end
_SHOWN_CHARACTERS: Final = 80


class EventDecoder:
    """Gives the data of each event as soon as it is whole; comments and names go.

    Attributes:
        beginning: The first characters, to show where they are no events.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.beginning = ""
        self._line = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> list[str]:
        """The data of the events that `part` completes."""
        text = self._decoder.decode(part)
        self.beginning += text[: _SHOWN_CHARACTERS - len(self.beginning)]
        return self._read(text)

    def end(self) -> list[str]:
        """What stands after the last blank line: some servers leave that out."""
        return self._read(self._decoder.decode(b"", final=True)) + self._read("\n\n")

    def _read(self, text: str) -> list[str]:
        self._line += text
        found = []
        *lines, self._line = self._line.replace("\r\n", "\n").split("\n")
        for line in lines:
            line = line.rstrip("\r")
            if not line:
                if self._data:
                    found.append("\n".join(self._data))
                self._data = []
            elif line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
        self._line = self._line[:_MAX_HELD]
        return found
