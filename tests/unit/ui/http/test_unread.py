from __future__ import annotations

import asyncio
from types import SimpleNamespace

import gradio as gr
from gradio.queueing import Queue

from ui.http.unread import Unread


def test_results_that_nobody_reads_go_and_others_stay() -> None:
    async def main() -> None:
        with gr.Blocks() as blocks:
            gr.HTML("")
        queue = blocks._queue
        assert isinstance(queue, Queue)
        for session in ("left", "read", "working", "new"):
            queue.pending_messages_per_session[session] = asyncio.Queue()
            queue.pending_event_ids_session[session] = {session}
        kept = queue.pending_messages_per_session
        kept["left"].put_nowait("result")
        kept["working"].put_nowait("result")
        queue.event_ids_to_events["working"] = SimpleNamespace(session_hash="working")
        unread = Unread(blocks)
        for n in range(3):
            assert set(kept) == {"left", "read", "working", "new"}
            kept["read"].put_nowait(n)
            if n == 2:
                kept["new"].put_nowait("result")
            kept["read"].get_nowait()
            unread.look()
        assert set(kept) == {"read", "working", "new"}
        assert set(queue.pending_event_ids_session) == {"read", "working", "new"}

    asyncio.run(main())
