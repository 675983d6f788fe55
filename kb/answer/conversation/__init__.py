"""Questions that go on from earlier ones. See `kb.answer.conversation.understanding`."""

from kb.answer.conversation.understanding import MAX_TURNS, Turn, is_dangling, understand

__all__ = ["MAX_TURNS", "Turn", "is_dangling", "understand"]
