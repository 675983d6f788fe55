from __future__ import annotations

import pickle

import pytest

from kb import errors
from kb.types import Locator


def test_every_error_is_listed_and_in_the_docstring() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert classes == set(errors.__all__)
    for name in classes:
        assert errors.__doc__ is not None
        assert name in errors.__doc__
        assert issubclass(getattr(errors, name), errors.KnowledgeBaseError)


@pytest.mark.parametrize(
    "kind", [errors.ParseError, errors.SourceTooLargeError, errors.UnsupportedMediaError]
)
def test_ingest_errors_cross_process_borders(kind: type[errors.IngestError]) -> None:
    error = kind("Page 3 is damaged.", source="a b.pdf", locator=Locator(page=3))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.source, again.locator) == (
        "Page 3 is damaged.",
        "a b.pdf",
        Locator(page=3),
    )
