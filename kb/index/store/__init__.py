"""Vector stores: Qdrant Edge in a process of its own, or a Qdrant server."""
