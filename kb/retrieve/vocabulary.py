"""The words of a library, kept beside its ledger, to mend questions by."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path

from kb.errors import StoreError
from kb.text.scripts import COMMON_HAN
from kb.text.spelling import Speller, words
from kb.text.spelling_chinese import ChineseSpeller, chinese_words

__all__ = ["Vocabulary"]

_CHINESE = re.compile(f"[{COMMON_HAN}]+")


class Vocabulary:
    """Words in a file, one a line, which only grows until the index is rebuilt: a word whose last
    document is gone mends a question to nothing worse than no result. Safe to use from several
    threads, and while another process adds to the file.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._speller = Speller()
        self._chinese = ChineseSpeller()
        self._n_read_bytes = 0

    def add(self, texts: Iterable[str]) -> None:
        """Learn the words of `texts`.

        Raises:
            StoreError: The file can't be written.
        """
        with self._lock:
            self._read()
            texts = list(texts)
            new = [
                *self._speller.add(word for text in texts for word in words(text)),
                *self._chinese.add(word for text in texts for word in chinese_words(text)),
            ]
            if not new:
                return
            # Begun by a line's end: what was last written may be cut off.
            data = "\n".join(["", *new, ""]).encode()
            try:
                with open(self._path, "ab") as file:
                    file.write(data)
                    end = file.tell()
            except OSError as error:
                raise StoreError(
                    f"The words of the library can't be added to {self._path}: {error}. Make room "
                    "or allow writing there, and sync again."
                ) from error
            if end - len(data) == self._n_read_bytes:
                self._n_read_bytes = end

    def mend(self, text: str) -> str:
        """See `Speller.mend` and `ChineseSpeller.mend`. A file that can't be read is as one without
        words."""
        with self._lock:
            self._read()
            return self._chinese.mend(self._speller.mend(text))

    def _read(self) -> None:
        """What was added since, by this process or another."""
        try:
            with open(self._path, "rb") as file:
                n_bytes = os.fstat(file.fileno()).st_size
                if n_bytes < self._n_read_bytes:
                    # The index was rebuilt.
                    self._speller, self._chinese = Speller(), ChineseSpeller()
                    self._n_read_bytes = 0
                if n_bytes == self._n_read_bytes:
                    return
                file.seek(self._n_read_bytes)
                data = file.read(n_bytes - self._n_read_bytes)
        except OSError:
            return
        self._n_read_bytes = n_bytes
        found = data.decode("utf-8", "ignore").split()
        self._speller.add(word for word in found if not _CHINESE.fullmatch(word))
        self._chinese.add(word for word in found if _CHINESE.fullmatch(word))
