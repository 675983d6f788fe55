"""Where a question is asked: in the whole library, or in some of its folders, files and kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from kb.types import Filters, Kind
from ui.language import later, tr
from ui.service.wire import make_filters

__all__ = ["KIND_LABELS", "folders_of", "scope_choices", "scope_filters", "scope_of", "scope_text"]

KIND_LABELS = {
    Kind.PDF: "PDF",
    Kind.EBOOK: later("E-book"),
    Kind.IMAGE: later("Picture"),
    Kind.VIDEO: later("Video"),
    Kind.AUDIO: later("Recording"),
    Kind.HTML: later("Web page"),
    Kind.TEXT: later("Text"),
    Kind.DATA: later("Data"),
    Kind.OFFICE: later("Office"),
}
# A menu of more is no help: the folder that holds them is one choice.
_MAX_LISTED = 2_000
_KIND, _FOLDER, _FILE = "kind:", "folder:", "file:"


def folders_of(sources: Iterable[str]) -> list[str]:
    """Every folder above files, by name."""
    return sorted(
        {
            str(parent)
            for source in sources
            for parent in PurePosixPath(source).parents
            if str(parent) != "."
        }
    )


def scope_choices(sources: Sequence[str]) -> list[tuple[str, str]]:
    """``(label, value)`` of what a question can be asked in: kinds, folders, then files, some
    thousand at most."""
    kinds = [(tr(label), f"{_KIND}{kind.value}") for kind, label in KIND_LABELS.items()]
    folders = [(f"{folder}/", f"{_FOLDER}{folder}") for folder in folders_of(sources)]
    files = [(source, f"{_FILE}{source}") for source in sorted(sources)]
    return [*kinds, *folders[:_MAX_LISTED], *files[:_MAX_LISTED]]


def scope_filters(values: Sequence[str], sources: Iterable[str]) -> Filters:
    """The filters of values of `scope_choices`: in any of the folders and files, and of any of the
    kinds.

    Args:
        sources: Of the whole library; looked at where folders and files are chosen together.

    Raises:
        ConfigError: A value is none, or there are too many.
    """
    kinds = [one.removeprefix(_KIND) for one in values if one.startswith(_KIND)]
    folders = [one.removeprefix(_FOLDER) for one in values if one.startswith(_FOLDER)]
    # Anything else is a file that is not there, and never the whole library.
    files = [one.removeprefix(_FILE) for one in values if not one.startswith((_KIND, _FOLDER))]
    filters = make_filters(folders, kinds, files, None, None)
    if folders and files:
        # Filters of several sorts hold together; a person who adds a file to a folder means both.
        within = tuple(f"{folder.strip('/')}/" for folder in folders)
        inside = [source for source in sources if source.startswith(within)]
        filters = replace(filters, folders=(), sources=tuple(dict.fromkeys([*files, *inside])))
    return filters


def scope_of(filters: Filters) -> tuple[str, ...]:
    """The kinds, folders and files of filters, as values of `scope_choices`."""
    return (
        *(f"{_KIND}{kind.value}" for kind in filters.kinds),
        *(f"{_FOLDER}{folder}" for folder in filters.folders),
        *(f"{_FILE}{source}" for source in filters.sources),
    )


def scope_text(values: Sequence[str]) -> str:
    """Where it is asked, in words; empty for the whole library."""
    labels = {f"{_KIND}{kind.value}": label for kind, label in KIND_LABELS.items()}
    kinds = tr(" or ").join(tr(labels[one]) for one in values if one in labels)
    places = ", ".join(one.partition(":")[2] or one for one in values if one not in labels)
    if kinds and places:
        return tr("{kinds} in {places}", kinds=kinds, places=places)
    return kinds or places
