"""The Gradio app: four pages under one header, mounted on the server's FastAPI app."""

from __future__ import annotations

import hashlib
from typing import Any

import gradio as gr
from gradio.themes.utils import colors

from ui.http.api_errors import GRADIO_HANDLERS
from ui.language import language_names, later, spoken, tr
from ui.service.service import Service
from ui.told import told
from ui.web.chat import build_chat
from ui.web.events import QUIET
from ui.web.held import build_held
from ui.web.html.files import files_html
from ui.web.html.held import held_html
from ui.web.html.render import MEDIA, escape
from ui.web.html.trash import trash_html
from ui.web.library import build_library, library_state
from ui.web.looked import Looked, files_page
from ui.web.page_errors import ToldErrors
from ui.web.scripts import STATIC, page_script
from ui.web.search import build_search, menu_choices
from ui.web.seen import Seen
from ui.web.settings import build_settings
from ui.web.spoken_page import made_html
from ui.web.tokens import build_tokens
from ui.web.upload_folder import OwnUploads

__all__ = ["build_app", "mount_options"]

_TITLE = later("Knowledge base")
_POLL_S = 1.5

_TEAL = colors.Color(
    name="kb-teal",
    c50="#eefaf7",
    c100="#d5f2eb",
    c200="#aee4d8",
    c300="#7acfbf",
    c400="#46b3a1",
    c500="#259685",
    c600="#14796c",
    c700="#136158",
    c800="#134d47",
    c900="#12403b",
    c950="#052523",
)


class Pages(ToldErrors, OwnUploads):
    """The app's Blocks."""


def build_app(service: Service, *, may_choose: bool = False) -> gr.Blocks:
    """The pages, talking to `service` alone.

    Args:
        may_choose: Whether those who open them may change what writes answers: where nobody else
            than the owner of this computer can.
    """
    with Pages(title=_TITLE, analytics_enabled=False, fill_width=True) as app:
        limits = service.config.limits
        app.max_files = max(limits.max_upload_files, limits.max_question_files)
        # Above all: on a wide page the tabs stand beside the header.
        banner = build_held(service)
        header = made_html(lambda: _header(service), elem_id="kb-header")
        with gr.Tabs(elem_id="kb-tabs"):
            with gr.Tab(later("Chat"), id="chat", elem_id="kb-tab-chat"):
                chat = build_chat(service, app, may_choose=may_choose)
            with gr.Tab(later("Search"), id="search", elem_id="kb-tab-search") as search_tab:
                menus = build_search(service)
            with gr.Tab(later("Library"), id="library", elem_id="kb-tab-library"):
                library = build_library(service, is_owner=may_choose)
            with gr.Tab(later("Settings"), id="settings", elem_id="kb-tab-settings"):
                build_settings(service, chat.mode, chat.offer, may_choose=may_choose)
                build_tokens(service, may_choose=may_choose)
        seen = gr.State(Seen())

        def refresh(
            seen: Seen, status: str | None, name: str | None, looked: Looked
        ) -> tuple[Any, ...]:
            progress, held = service.progress(), service.held
            if not seen.is_behind(progress, held):
                return (gr.skip(),) * 7
            # What was turned or looked for since the page was opened has just been drawn.
            is_drawn = (status, name or "", looked) != ("all", "", Looked())
            files = files_html(files_page(service, status, name, looked))
            table = seen.list_news(files, progress, held, is_drawn=is_drawn)
            return (
                seen,
                seen.news("header", _header(service)),
                seen.news("held", held_html(held)),
                seen.news("progress", library_state(service)),
                table,
                seen.news("trash", trash_html(service.shelf.trash.find())),
                seen.news("welcome", chat.suggestions.html()),
            )

        gr.Timer(_POLL_S).tick(
            refresh,
            [seen, *library.filters],
            [
                *(seen, header, banner, library.state, library.table, library.trash),
                chat.welcome,
            ],
            concurrency_limit=None,
            **QUIET,
        )

        def leave(request: gr.Request) -> None:
            if request.session_hash:
                service.askers.stop(request.session_hash)

        app.load(service.warm, None, None, **QUIET)
        # A page that is closed has nobody who would read the answer.
        app.unload(leave)
        search_tab.select(lambda: menu_choices(service), None, menus, **QUIET)
    return app


def mount_options(max_file_bytes: int | None = None) -> dict[str, Any]:
    """What `gradio.mount_gradio_app` is called with beside the app and its path."""
    return {
        "max_file_size": max_file_bytes,
        "app_kwargs": {"exception_handlers": GRADIO_HANDLERS},
        "theme": _theme(),
        "head": _head(),
        "favicon_path": str(STATIC / "icon.svg"),
        "footer_links": [],
        "run_history": False,
        "show_error": True,
        "ssr_mode": False,
        "pwa": False,
    }


def _head() -> str:
    """Links to the project's own files; the hash in them renews what a browser kept."""

    def url(name: str) -> str:
        content = page_script() if name == "page.js" else (STATIC / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        return f"{MEDIA}/static/{name}?v={digest}"

    return (
        f'<link rel="stylesheet" href="{url("app.css")}">'
        f'<link rel="stylesheet" href="{url("passage.css")}">'
        f'<link rel="stylesheet" href="{url("talk.css")}">'
        f'<link rel="stylesheet" href="{url("turn.css")}">'
        f'<link rel="stylesheet" href="{url("settings.css")}">'
        f'<script src="{url("page.js")}"></script>'
        '<meta name="color-scheme" content="light dark">'
    )


def _header(service: Service) -> str:
    progress = service.progress()
    busy = ""
    if progress.running:
        label = (
            tr("Indexing {n} of {total}", n=progress.n_done, total=progress.n_total)
            if progress.n_total
            else tr("Looking for changes")
        )
        busy = (
            '<button type="button" class="kb-pill kb-pill-busy" data-goto="library">'
            f"{escape(label)}</button>"
        )
    return (
        '<header class="kb-header"><div class="kb-brand">'
        '<svg class="kb-logo" viewBox="0 0 32 32" aria-hidden="true">'
        '<rect width="32" height="32" rx="8"/><path d="M9 8h10l4 4v12H9z"/>'
        '<path class="kb-logo-mark" d="M12 16h8M12 20h5"/></svg>'
        f'<h1>{escape(tr(_TITLE))}</h1></div><div class="kb-header-end">{busy}'
        f'<details class="kb-profile"><summary class="kb-pill">{escape(service.profile)}</summary>'
        f"<p>{escape(told(service.profile_note))}</p></details>{_language_menu()}"
        '<button type="button" class="kb-tool kb-tool-keys" data-keys aria-haspopup="dialog" '
        f'aria-label="{escape(tr("Keys"))}" title="{escape(tr("Keys"))} (?)">?</button>'
        '<button type="button" class="kb-tool" data-theme-toggle '
        f'aria-label="{escape(tr("Switch between light and dark"))}" '
        f'title="{escape(tr("Light or dark"))}"><svg class="kb-icon" viewBox="0 0 24 24" '
        'aria-hidden="true"><path d="M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z"/></svg></button>'
        "</div></header>"
    )


def _language_menu() -> str:
    """Each language by its own name, for those who read no other."""
    options = "".join(
        f'<option value="{language}" lang="{language}"{" selected" * (language == spoken())}>'
        f"{escape(name)}</option>"
        for language, name in language_names().items()
    )
    label = escape(tr("Language"))
    return (
        f'<select class="kb-language" data-language aria-label="{label}" title="{label}">'
        f"{options}</select>"
    )


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=colors.stone,
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_lg,
        # Named in static/app.css; these keep Gradio from loading web fonts.
        font="sans-serif",
        font_mono="monospace",
    ).set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#161513",
        body_text_color="#1f1d1a",
        body_text_color_dark="#eceae6",
        body_text_color_subdued="#6b665f",
        body_text_color_subdued_dark="#a29c93",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1e1d1a",
        background_fill_secondary="#f3f1ed",
        background_fill_secondary_dark="#262421",
        border_color_primary="#e4e0d9",
        border_color_primary_dark="#37342f",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1e1d1a",
        block_border_width="0px",
        input_border_width="1px",
        button_border_width="1px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*body_text_color_subdued",
        block_shadow="none",
        block_shadow_dark="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1e1d1a",
        input_border_color="#d8d3ca",
        input_border_color_dark="#45413b",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*background_fill_secondary",
        button_secondary_background_fill_hover_dark="*background_fill_secondary",
        button_secondary_border_color="*border_color_primary",
        button_secondary_border_color_dark="*border_color_primary",
        button_large_radius="*radius_md",
        button_small_radius="*radius_md",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
