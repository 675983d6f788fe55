"""A home with one short file, and its service: what most tests of a server ask about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.config import Home
from kb.config.loading import load_config
from ui.service.service import Service

__all__ = ["PUMP", "make_home", "pump_service"]

PUMP = "# Pump\n\nThe pump hums at 40 decibels.\n"


def make_home(path: Path, settings: str = "") -> Path:
    """A home in `path`, whose library holds ``pump.md``; nothing is indexed yet.

    Args:
        settings: Of ``kb.yaml``.
    """
    library = path / "library"
    library.mkdir(parents=True)
    (library / "pump.md").write_text(PUMP)
    if settings:
        (path / "kb.yaml").write_text(settings)
    return path


@contextmanager
def pump_service(path: Path, *, is_synced: bool = True) -> Iterator[Service]:
    """The service of a home that is made in `path`."""
    home = Home(make_home(path))
    service = Service(home, load_config(home))
    try:
        if is_synced:
            service.sync()
        yield service
    finally:
        service.close()
