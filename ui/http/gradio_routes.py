"""Which of Gradio's routes the page needs. Nothing else of Gradio's is served.

Gradio brings 75 routes: proxies, recorders, an editor, monitoring, several ways to call
an event. The page uses these; `tests/integration/test_gradio_routes.py` compares them, and those
that are refused, with the routes that the installed Gradio has.
"""

from __future__ import annotations

from starlette.routing import compile_path

from ui.web.upload_folder import is_uploaded

__all__ = ["FILE_ROUTE", "SERVED", "is_asset", "methods_of"]

FILE_ROUTE = "/gradio_api/file={path_or_url:path}"
_PAGE_ASSETS = (
    "/assets/{path:path}",
    "/static/{path:path}",
    "/theme.css",
    "/favicon.ico",
    "/manifest.json",
    "/pwa_icon",
)
SERVED: dict[str, frozenset[str]] = {
    "/": frozenset({"GET", "HEAD"}),
    **{path: frozenset({"GET"}) for path in _PAGE_ASSETS},
    # Previews of what is attached to a question.
    FILE_ROUTE: frozenset({"GET", "HEAD"}),
    "/gradio_api/upload": frozenset({"POST"}),
    "/gradio_api/upload_progress": frozenset({"GET"}),
    # Events, the stream of their results, and the end of one.
    "/gradio_api/queue/join": frozenset({"POST"}),
    "/gradio_api/queue/data": frozenset({"GET"}),
    "/gradio_api/cancel": frozenset({"POST"}),
    "/gradio_api/reset": frozenset({"POST"}),
    # Whether the server is there, and still the same one.
    "/gradio_api/heartbeat/{session_hash}": frozenset({"GET"}),
    "/gradio_api/app_id": frozenset({"GET"}),
}
# Compiled as the router compiles them, and matched against the same string.
_SERVED = [(path, compile_path(path)[0], methods) for path, methods in SERVED.items()]
_ASSETS = [compile_path(path)[0] for path in _PAGE_ASSETS]


def methods_of(path: str) -> frozenset[str]:
    """The methods that are served at a path of Gradio's; none where it is not served at all.

    Args:
        path: Decoded once, as the router sees it.
    """
    if not _is_plain(path):
        return frozenset()
    for template, pattern, methods in _SERVED:
        match = pattern.match(path)
        if match is None:
            continue
        if template == FILE_ROUTE and not is_uploaded(match["path_or_url"]):
            return frozenset()
        return methods
    return frozenset()


def is_asset(path: str) -> bool:
    """Whether a path is one of Gradio's own scripts, styles or icons."""
    return _is_plain(path) and any(pattern.match(path) for pattern in _ASSETS)


def _is_plain(path: str) -> bool:
    """Whether a path leaves nothing to interpret: no way up, no host, no second separator."""
    return path.isprintable() and "//" not in path and not {".", ".."}.intersection(path.split("/"))
