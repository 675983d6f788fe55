"""The XML of Office files: its names, and how it is read."""

from __future__ import annotations

import posixpath
import zipfile

from lxml import etree

__all__ = [
    "DGM",
    "MC",
    "WP",
    "A",
    "C",
    "M",
    "R",
    "W",
    "flag",
    "parse_xml",
    "read_part",
    "relationships",
    "value",
]

_OOXML = "http://schemas.openxmlformats.org/"
W = f"{{{_OOXML}wordprocessingml/2006/main}}"
WP = f"{{{_OOXML}drawingml/2006/wordprocessingDrawing}}"
A = f"{{{_OOXML}drawingml/2006/main}}"
C = f"{{{_OOXML}drawingml/2006/chart}}"
DGM = f"{{{_OOXML}drawingml/2006/diagram}}"
M = f"{{{_OOXML}officeDocument/2006/math}}"
MC = f"{{{_OOXML}markup-compatibility/2006}}"
R = f"{{{_OOXML}officeDocument/2006/relationships}}"
_RELATIONSHIP = f"{{{_OOXML}package/2006/relationships}}Relationship"
_OFF = frozenset({"0", "false", "off", "none"})


def parse_xml(data: bytes) -> etree._Element:
    """The root of an XML part; nothing is fetched, no entity is spelled out.

    Raises:
        lxml.etree.XMLSyntaxError: It is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(data, parser)


def read_part(archive: zipfile.ZipFile, name: str) -> etree._Element | None:
    """The root of a part; None where there is none, or it is broken."""
    try:
        return parse_xml(archive.read(name))
    except (KeyError, etree.XMLSyntaxError):
        return None


def relationships(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """By its id, the kind (``header``) of each relationship of a part, and what it leads to: the
    name of a part, or an address outside the file."""
    folder, name = posixpath.split(part)
    root = read_part(archive, f"{folder}/_rels/{name}.rels")
    found: dict[str, tuple[str, str]] = {}
    for one in () if root is None else root.iter(_RELATIONSHIP):
        target = one.get("Target", "")
        if one.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], target)
    return found


def value(element: etree._Element | None, path: str, default: str = "") -> str:
    """The ``w:val`` of what `path` (``pPr/numPr``) finds below `element`."""
    if element is None:
        return default
    found = element.find("/".join(W + step for step in path.split("/")))
    return default if found is None else found.get(f"{W}val", default)


def flag(element: etree._Element | None, path: str) -> bool:
    """Whether a property that needs no value is set."""
    if element is None:
        return False
    found = element.find("/".join(W + step for step in path.split("/")))
    return found is not None and found.get(f"{W}val", "1").lower() not in _OFF
