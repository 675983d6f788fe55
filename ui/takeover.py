"""A running server goes over to the vectors that `kb sync --reembed` put in the former ones'
place, without an end to its answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from ingest.sync import Syncer
from kb import KnowledgeBase, load_config, reopen
from kb.errors import KnowledgeBaseError
from kb.stopping import StoppedError

__all__ = ["Takeover"]

_log = logging.getLogger(__name__)

# A look costs a few microseconds.
_LOOK_EVERY_S: Final = 2.0
# A model that can't be loaded is not tried every other second.
_LONGEST_DELAY_S: Final = 300.0


class Takeover:
    """Looks for new vectors, and opens them.

    Args:
        syncer: Of `kb`: it waits meanwhile.
        when_done: Called in the thread that looks, after the new vectors were opened.
        when_failed: Likewise, told why they could not be opened. The former ones go on
            answering, and it is tried again.
    """

    def __init__(
        self,
        kb: KnowledgeBase,
        syncer: Syncer,
        when_done: Callable[[], None],
        when_failed: Callable[[str], None],
    ) -> None:
        self._kb = kb
        self._syncer = syncer
        self._when_done = when_done
        self._when_failed = when_failed

    def now(self) -> bool:
        """Open the new vectors where there are any, under the profile that they were made with.

        Returns:
            Whether there were.

        Raises:
            ConfigError: The configuration can't be read.
            ModelLoadError, StoreError: They can't be opened; the former ones go on answering.
            StoppedError: The server ends.
        """
        if self._kb.is_current():
            return False
        self._syncer.between_syncs(self._open)
        return True

    def _open(self) -> None:
        if self._kb.is_current():  # Another thread was quicker.
            return
        home = self._kb.home
        config = load_config(home, home.noted_profile())
        reopen(self._kb, config)
        _log.info("The new vectors of the profile %s answer now.", config.profile)

    def until(self, closing: threading.Event) -> None:
        """Look for new vectors every few seconds until `closing` is set."""
        delay_s = _LOOK_EVERY_S
        while not closing.wait(delay_s):
            try:
                if self.now():
                    self._when_done()
                delay_s = _LOOK_EVERY_S
            except StoppedError:
                return
            except KnowledgeBaseError as error:
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
                _log.error("The new vectors can't be opened yet: %s", error)
                self._when_failed(f"The new vectors can't be opened yet: {error}")
