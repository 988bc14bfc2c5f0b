"""Tests that look at one class, which takes long to grade, run in one process, so that it is graded once in a run."""

import pytest

CLASSES = ("found", "honest_class")  # the fixtures that grade them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in set(CLASSES) & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(name))
