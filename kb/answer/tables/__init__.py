"""Questions that a table answers: what is kept of tables, how a question is read, what is said."""
