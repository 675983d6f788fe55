"""Questions that go on from earlier ones. See `kb.answer.conversation.understanding`."""

from kb.answer.conversation.understanding import Turn, is_dangling, understand

__all__ = ["Turn", "is_dangling", "understand"]
