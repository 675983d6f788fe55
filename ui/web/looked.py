"""What somebody looks at in the list of files: which of them, in which order, which page; and the
address that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote, urlencode

from kb import FileOrder, FileQuery
from kb.types import Kind
from ui.service.folders import root_key
from ui.service.library import FilesPage, list_page
from ui.service.service import Service
from ui.web.html.files import STATUSES

__all__ = ["ADDRESS_FIELDS", "Looked", "address_of", "files_page", "looked_at", "matching_files"]

ADDRESS_FIELDS = ("folder", "in", "status", "kind", "name", "sort", "page")
"""What the query of the Library page's address may name."""

_MAX_PAGE_DIGITS = 9
_MAX_NAME_CHARS = 4_096  # No path is longer, and SQLite takes no pattern of any length.
# What is asked for first: the largest, the newest.
_FROM_THE_LAST = frozenset({FileOrder.SIZE, FileOrder.CHUNKS, FileOrder.CHANGED, FileOrder.DATED})


@dataclass(frozen=True, slots=True)
class Looked:
    """Beside the status and the name, which components of the page hold.

    Attributes:
        page: From 1.
        root: Of `folder`; empty for all.
        folder: With a slash at its end; empty for the whole root.
        kind: Of `kb.types.Kind`; empty for all.
    """

    page: int = 1
    root: str = ""
    folder: str = ""
    order: FileOrder = FileOrder.NAME
    is_descending: bool = False
    kind: str = ""

    def turned(self, page: str) -> Self:
        """To a page, as it was written; the first one where that is no number."""
        is_number = page.isdecimal() and len(page) <= _MAX_PAGE_DIGITS
        return replace(self, page=int(page) if is_number else 1)

    def into(self, root: str, folder: str) -> Self:
        """Into a folder, at its first page."""
        return replace(self, page=1, root=root, folder=folder)

    def of_kind(self, kind: str) -> Self:
        """Files of a kind, at their first page; what is none means all."""
        return replace(self, page=1, kind=kind if kind in list(Kind) else "")

    def sorted(self, order: str) -> Self:
        """By an order, or the other way round where it is that already; what is none is passed
        over."""
        if order not in list(FileOrder):
            return self
        is_same = order == self.order
        is_descending = not self.is_descending if is_same else order in _FROM_THE_LAST
        return replace(self, page=1, order=FileOrder(order), is_descending=is_descending)


def address_of(status: str | None, name: str | None, looked: Looked, roots: Sequence[str]) -> str:
    """The query of the page's address, with its question mark; empty where nothing was chosen.

    Args:
        roots: The library's folders, the drop folder first, which is not named in an address that
            names a folder.
    """
    sort = f"{'-' if looked.is_descending else ''}{looked.order}"
    fields = {
        "folder": looked.folder,
        "in": "" if looked.folder and looked.root in roots[:1] else root_key(looked.root),
        "status": "" if status in {None, "all"} else str(status),
        "kind": looked.kind,
        "name": (name or "").strip(),
        "sort": "" if sort == FileOrder.NAME else sort,
        "page": "" if looked.page == 1 else str(looked.page),
    }
    chosen = {field: value for field, value in fields.items() if value}
    return f"?{urlencode(chosen, quote_via=quote, safe='/')}" if chosen else ""


def looked_at(fields: Mapping[str, str], roots: Sequence[str]) -> tuple[str, str, Looked]:
    """The status, the name and the rest that an address names; what it can't name is passed over.

    Args:
        fields: Each of `ADDRESS_FIELDS`, empty where the address has none.
        roots: As of `address_of`.
    """
    folder = f"{fields['folder'].strip('/')}/".lstrip("/")
    root = {root_key(root): root for root in roots}.get(fields["in"], "")
    if folder and not fields["in"]:
        root = roots[0]
    sort = fields["sort"].removeprefix("-")
    looked = Looked(
        root=root,
        folder=folder if root else "",
        order=FileOrder(sort) if sort in list(FileOrder) else FileOrder.NAME,
        is_descending=fields["sort"].startswith("-"),
    )
    status = fields["status"] if fields["status"] in STATUSES else "all"
    return status, fields["name"], looked.of_kind(fields["kind"]).turned(fields["page"])


def files_page(
    service: Service,
    status: str | None = None,
    name: str | None = None,
    looked: Looked | None = None,
) -> FilesPage:
    """A page of the files that have a status and whose names contain `name`. Both are None while
    the page that chooses them has not been opened."""
    looked = looked or Looked()
    query = _query(service, status, name, looked)
    return list_page(service.kb.ledger, service.home.library, query, looked.page)


def matching_files(
    service: Service, status: str | None, name: str | None, looked: Looked
) -> tuple[list[str], list[str]]:
    """The sources of all files that match, on whatever page: those of the library, and those in
    folders that are indexed in place."""
    library = str(service.home.library)
    rows = service.kb.ledger.files(_query(service, status, name, looked))
    ours = [row.path for row in rows if row.root == library]
    return ours, [row.path for row in rows if row.root != library]


def _query(service: Service, status: str | None, name: str | None, looked: Looked) -> FileQuery:
    return FileQuery(
        waiting=service.syncer.waiting(),
        reading=service.progress().current,
        status="" if status in {None, "all"} else str(status),
        kind=looked.kind,
        name=(name or "").strip()[:_MAX_NAME_CHARS],
        root=looked.root,
        folder=looked.folder,
        order=looked.order,
        is_descending=looked.is_descending,
    )
