"""PyMuPDF without the layout models that it loads when it is imported.

They are not used here, and take half a second and 55 MiB of every process that reads a PDF
(PyMuPDF 2.0: imported in 0.8 s and 136 MiB with them, in 0.3 s and 81 MiB without).
"""

from __future__ import annotations

import sys

# PyMuPDF takes a failing import of them for "not installed".
sys.modules.setdefault("pymupdf.layout", None)  # type: ignore[arg-type]
sys.modules.setdefault("pymupdf4llm", None)  # type: ignore[arg-type]

import pymupdf  # noqa: E402

__all__ = ["pymupdf"]
