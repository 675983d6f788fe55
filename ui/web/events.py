"""What events of the pages have in common."""

from __future__ import annotations

from typing import Any

__all__ = ["N_AT_ONCE", "ON_ASK", "QUIET", "with_script"]

# Events show their own progress, and are for the page alone: programs have the API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
N_AT_ONCE = 4  # Questions; Gradio's default is one, for all people together.

# What suggests a question is asked on click, and a turn asked again or taken back into the box.
ON_ASK = """
element.addEventListener('click', (event) => {
  const ask = event.target.closest('[data-ask]');
  if (ask) trigger('submit', {text: ask.dataset.ask, again: ''});
  const again = event.target.closest('[data-again]');
  if (again) trigger('submit', {text: '', again: again.dataset.again});
  const rewrite = event.target.closest('[data-rewrite]');
  if (rewrite) trigger('edit', {again: rewrite.dataset.rewrite});
});
"""


def with_script(call: str) -> str:
    """What runs when a part of the page is there: `call`, once the page's own script is there, too.
    It may come later: an address can open the part at once."""
    return f"""
const begin = () => {call};
if (window.kb) begin();
else document.addEventListener('kb-ready', begin, {{once: true}});
"""
