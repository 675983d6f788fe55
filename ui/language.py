"""The language in which a person is spoken to: that of his request, or of his terminal.

Messages are English in the code and translated by ``ui/locale/LANGUAGE.po``; a third language is a
third file. ``scripts/messages.py`` finds the messages and keeps the files in step.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages import Catalog

__all__ = [
    "COOKIE",
    "ENGLISH",
    "catalogue",
    "chosen_language",
    "language_names",
    "languages",
    "later",
    "name_of_language",
    "ntr",
    "speaking",
    "spoken",
    "tr",
]

COOKIE = "kb-language"
"""Holds the language that a person chose in the page."""
ENGLISH = "en"
_MAX_ACCEPTED = 32  # Of a header, which anybody may write.
_spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)
_NAMED = re.compile(r"\{(\w+)\}")


def spoken() -> str:
    """The language now, as BCP 47 writes it: ``en``, ``zh-CN``."""
    return _spoken.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak `language`, one of `languages`, for a while, in this context alone."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def tr(message: str, /, **values: object) -> str:
    """`message` in the language that is spoken, with `values` in place of ``{names}``.

    It is English where it has no translation. What it gives is text: escape it for HTML.
    """
    if not message:
        return ""  # To gettext it is the catalogue's own header.
    return _filled(_translations(spoken()).gettext(message), values)


def ntr(one: str, many: str, n: int, /, **values: object) -> str:
    """`one` or `many`, as the number wants it; ``{n}`` is the number, with its thousands apart.
    See `tr`."""
    said = _translations(spoken()).ngettext(one, many, n)
    return _filled(said, {"n": f"{n:,}", **values})


def later(message: str, /) -> str:
    """`message` as it is: it is found as one, and translated where it is shown."""
    return message


def _filled(message: str, values: dict[str, object]) -> str:
    if not values:
        return message
    return _NAMED.sub(lambda found: str(values[found[1]]), message)


@cache
def languages() -> tuple[str, ...]:
    """All that can be spoken, English first."""
    folder = resources.files(__package__).joinpath("locale")
    names = (entry.name for entry in folder.iterdir())
    found = sorted(name.removesuffix(".po") for name in names if name.endswith(".po"))
    return (ENGLISH, *(name.replace("_", "-") for name in found))


@cache
def language_names() -> dict[str, str]:
    """What each language calls itself."""
    return {one: _translations(one).gettext(later("English")) for one in languages()}


def name_of_language(tag: str) -> str:
    """What any language is called in the one that is spoken; `tag` itself where it is unknown.

    Args:
        tag: As BCP 47 writes it: ``de``, ``zh-Hans``.
    """
    from babel import Locale, UnknownLocaleError

    try:
        named = Locale.parse(tag, sep="-").get_display_name(spoken().replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return tag
    return named or tag


def chosen_language(accepted: str, cookies: str = "") -> str:
    """The language of a request: the one that its person chose, or the first one that his browser
    accepts and that is there, or English.

    Args:
        accepted: The header Accept-Language; RFC 9110, 12.5.4.
        cookies: The header Cookie.
    """
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE and value in languages():
            return value
    for wanted in _by_weight(accepted):
        for language in languages():
            # One kind of Chinese is nearer to another than English is.
            if wanted.split("-")[0] == language.split("-")[0].lower():
                return language
    return ENGLISH


def _by_weight(accepted: str) -> list[str]:
    weighed = []
    for item in accepted.split(",")[:_MAX_ACCEPTED]:
        name, _, weight = item.partition(";")
        try:
            q = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            q = 0.0
        if q > 0:
            weighed.append((q, name.strip().lower()))
    return [name for _, name in sorted(weighed, key=lambda one: -one[0])]


@cache
def catalogue(language: str) -> dict[tuple[str, str], str]:
    """Translations that have a context, by context and message: those of errors."""
    found: dict[tuple[str, str], str] = {}
    if language != ENGLISH:
        for message in _read(language):
            if message.context and isinstance(message.id, str) and isinstance(message.string, str):
                found[message.context, message.id] = message.string
    return {key: said for key, said in found.items() if said}


@cache
def _translations(language: str) -> gettext.NullTranslations:
    if language == ENGLISH:
        return gettext.NullTranslations()
    # Whoever speaks English needs none of it.
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, _read(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _read(language: str) -> Catalog:
    from babel.messages.pofile import read_po

    name = language.replace("-", "_")
    file = resources.files(__package__).joinpath("locale", f"{name}.po")
    return read_po(io.BytesIO(file.read_bytes()), locale=name)
