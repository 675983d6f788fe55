"""A sync that waits: so many files are gone that somebody has to say whether they are meant to."""

from __future__ import annotations

import threading
from pathlib import Path

from ingest.sync import Decided
from kb.errors import MassDeleteError

__all__ = ["Decisions"]


class Decisions:
    """What is waited for, and what was decided since this process began.

    Attributes:
        held: Why the last sync was held, and what it would do; None where none waits.
    """

    def __init__(self) -> None:
        self.held: MassDeleteError | None = None
        self._lock = threading.Lock()
        self._decided = Decided()

    def current(self) -> Decided:
        """For a sync that begins. Files that came back are decided of anew when they go."""
        with self._lock:
            kept = frozenset(key for key in self._decided.kept if not Path(*key).exists())
            self._decided = Decided(self._decided.removed, kept)
            return self._decided

    def hold(self, held: MassDeleteError) -> None:
        """A sync was stopped by `held`, and waits."""
        self.held = held

    def settle(self) -> None:
        """A sync of all folders succeeded."""
        with self._lock:
            self.held = None
            self._decided = Decided(kept=self._decided.kept)

    def decide(self, *, are_kept: bool) -> bool:
        """Have the files that are gone leave the index, or stay in it, as they were told in
        `held`; what went since then is asked about anew.

        Returns:
            Whether anything waited. Somebody else may have decided a moment before.
        """
        with self._lock:
            if self.held is None:
                return False
            lost, self.held = self.held.lost, None
            removed, kept = self._decided.removed, self._decided.kept
            if are_kept:
                self._decided = Decided(removed - lost, kept | lost)
            else:
                self._decided = Decided(removed | lost, kept - lost)
            return True
