"""Results of the page's events that nobody reads are dropped.

Gradio keeps what an event gave until its page asks for it. A page that was closed never does, nor
does a program that sends events for no other purpose: of each, the last would stay for ever.
"""

from __future__ import annotations

import asyncio

import gradio as gr

__all__ = ["Unread"]

_EVERY_S = 60.0
# In turn; a page that lost its connection is back by then.
_N_LOOKS = 3


class Unread:
    """Looks after the results that the events of `blocks` gave."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self._blocks = blocks
        self._n_seen: dict[str, int] = {}

    async def sweep_on(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self.look()

    def look(self) -> None:
        """Drop what nobody read for some looks. In the thread of the server's event loop."""
        queue = self._blocks._queue
        working = {event.session_hash for event in queue.event_ids_to_events.values()}
        n_seen: dict[str, int] = {}
        for session, messages in tuple(queue.pending_messages_per_session.items()):
            # Who reads leaves nothing lying.
            if messages.empty() or session in working:
                continue
            n_seen[session] = self._n_seen.get(session, 0) + 1
            if n_seen[session] >= _N_LOOKS:
                del queue.pending_messages_per_session[session], n_seen[session]
                queue.pending_event_ids_session.pop(session, None)
        self._n_seen = n_seen
