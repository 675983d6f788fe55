"""Puts this folder on the import path, for what several tests share."""
