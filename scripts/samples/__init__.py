"""Makes the files of ``data/samples``: the papers of Hazelwick, a company that does not exist."""
