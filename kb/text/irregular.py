"""Irregular English forms: ``wrote`` is found by ``write``, ``children`` by ``child``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

__all__ = ["BASE_FORMS"]


def _read() -> dict[str, str]:
    file = resources.files("kb.text").joinpath("irregular.txt")
    lines = [line.split() for line in file.read_text("utf-8").splitlines() if line[0] != "#"]
    return {form: base for [form, base] in lines}


BASE_FORMS: Mapping[str, str] = _read()
"""The word of which an irregular form is one, in small letters."""
