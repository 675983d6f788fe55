"""What MuPDF reads, by media type."""

__all__ = ["FILE_TYPES"]

FILE_TYPES = {
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/oxps": "xps",
    "application/vnd.ms-xpsdocument": "xps",
    "application/vnd.comicbook+zip": "cbz",
    "application/x-cbz": "cbz",
}
"""What MuPDF calls each media type."""
