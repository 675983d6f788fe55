"""`kb` with the tiny model of `made_laptop` in the place of the published one, as a program."""

from __future__ import annotations

from made_laptop import catalog_of_environment

from kb.hub import catalog
from ui.cli.commands import main

if __name__ == "__main__":
    catalog.KNOWN_MODELS = catalog_of_environment()
    main()
