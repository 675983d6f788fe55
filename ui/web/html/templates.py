"""Jinja2 templates of the parts of pages, in the folder ``templates``. All values are escaped."""

from __future__ import annotations

import re
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ui.language import ntr, tr
from ui.web.html.render import icon

__all__ = ["render"]

_BESIDE_TAG = re.compile(r"(?<=[>}])\n[^\S\n]*+|\n[^\S\n]*+(?=[<{]|$)")
_ELSEWHERE = re.compile(r"\n[^\S\n]*+")


def _load(name: str) -> str:
    """A template on one line. Its line breaks and indents are for who reads it: between inline
    elements a browser would show them as spaces. Within a tag or a text they are one space."""
    source = resources.files(__package__).joinpath("templates", name).read_text("utf-8")
    return _ELSEWHERE.sub(" ", _BESIDE_TAG.sub("", source))


_ENVIRONMENT = Environment(loader=FunctionLoader(_load), autoescape=True, undefined=StrictUndefined)
_ENVIRONMENT.globals["icon"] = lambda name: Markup(icon(name))  # noqa: S704 - a constant
_ENVIRONMENT.globals |= {"tr": tr, "ntr": ntr}


def render(template: str, **values: object) -> str:
    """The HTML of a template, by its name in the folder without ``.html``."""
    return _ENVIRONMENT.get_template(f"{template}.html").render(values)
