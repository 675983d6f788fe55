"""The page's Content-Security-Policy: which scripts run in it, and where it may reach.

A script runs if it carries the nonce of this very response, or is a file of ours; the guard serves
none but the page's own as a script. The scripts of Gradio's template get the nonce by the
template (`ui.http.page_template`), not by a search through the finished page: a tag that something
else brought into the page has none.

Two things are looser than they should be, since Gradio does not work without:

- ``'unsafe-eval'``: `gr.HTML` makes its `js_on_load` and its template, and Gradio every event's
  `js`, into a function with ``new Function``. All three are constants of this project; values
  are never compiled.
- ``'unsafe-inline'`` for styles: the template, Svelte's components and Gradio's theme write style
  attributes and elements. A style runs nothing, and no other host can be named in one.
"""

from __future__ import annotations

__all__ = ["page_policy"]


def page_policy(nonce: str) -> str:
    """The policy for a response whose scripts carry `nonce`."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
