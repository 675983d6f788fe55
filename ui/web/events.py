"""What events of the pages have in common."""

from __future__ import annotations

from typing import Any

__all__ = ["N_AT_ONCE", "ON_ASK", "QUIET"]

# Events show their own progress, and are for the page alone: programs have the API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
N_AT_ONCE = 4  # Questions; Gradio's default is one, for all people together.

# What suggests a question is asked on click.
ON_ASK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-ask]');
  if (button) trigger('submit', {text: button.dataset.ask});
});
"""
