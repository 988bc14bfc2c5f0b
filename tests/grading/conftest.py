"""What the tests of the grader share: workers, a process that knows no checks but the book's, and classes graded once a run."""

import sys
from collections.abc import Iterator

import pytest
from grading.small_class import forget

from utils.grading import checks
from utils.grading.sandbox.workers import Workers, strongest


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with strongest() as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def _only_the_book_s_checks_afterwards() -> Iterator[None]:
    """What a module's courses make known, the next module does not know."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "__path__", [*checks.__path__])
        yield
    forget()


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No checks but the book's are known, before and after."""
    monkeypatch.setattr(checks, "__path__", checks.__path__[:1])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file that is mended within a second has the same time
    forget()
    yield
    forget()
