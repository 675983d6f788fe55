"""A knowledge base on its way: exports, backups, and taking either in. See `kb.moving.manifest`."""
