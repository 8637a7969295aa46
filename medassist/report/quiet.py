"""Silence where a library would print what it may not: highdicom warns about odd person names by printing them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the remarks of pydicom and highdicom about the values of a header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
