"""What the tests of the book share: its folder, its executed chapters, and its built site behind a local server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.site import serve
from utils.book.execute import Chapter, load
from utils.book.project import chapters, find_root
from utils.book.site import is_current, site_key, stage

torch.set_num_threads(1)  # in every process of a run: more of them wait for each other


@pytest.fixture(scope="session")
def root() -> Path:
    """The book's folder."""
    return find_root(Path(__file__).parent)


@pytest.fixture(scope="session")
def executed(root: Path) -> list[Chapter]:
    """Every chapter with its outputs. They must be up to date: what runs for minutes is not a test's to start."""
    found = [load(root, path) for path in chapters(root)]
    stale = [chapter.path.name for chapter in found if chapter.executed is None]
    if stale:
        pytest.fail(f"not run since they last changed: {', '.join(stale)}; run `course build` first", pytrace=False)
    return found


@pytest.fixture(scope="session")
def site(root: Path, executed: list[Chapter]) -> Path:
    """The folder of the built site, which must be up to date."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        stage(root, executed, source)
        current = is_current(root, site_key(root, source))
    if not current:
        pytest.fail("_build/html is older than what it is made from; run `course build` first", pytrace=False)
    return root / "_build" / "html"


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    """The address of the built site, on a server of its own: http://127.0.0.1:PORT."""
    with serve(site) as address:
        yield address
