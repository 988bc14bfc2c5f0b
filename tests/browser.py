"""A browser for the tests: Playwright's own Chromium if it is installed, else the system's; without one the tests fail.

A test module says `pytest_plugins = ["browser"]` and takes the fixture `visit`:

    def test_home(visit):
        with visit("file:///.../index.html", viewport={"width": 360, "height": 800}) as home:
            assert home.page.title() == "Preface" and not home.strangers and not home.errors

A test of a figure takes `opened`, which makes the page: page = opened(figure, viewport={"width": 360, "height": 800}).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from utils.book import pdf

FLAGS = (  # no graphics card, and no traffic of the browser's own; Playwright itself passes --no-sandbox, which root needs
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Visit:
    """A page, what it asked of its own host, what it asked of others, which was stopped, and the errors of its console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def find_browser(playwright: Playwright) -> str:
    """The path of a Chromium. Where there is none, the test fails and says what to install."""
    try:
        return pdf.find_browser(playwright)
    except pdf.PdfError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visit(chromium: Browser) -> Callable[..., AbstractContextManager[Visit]]:
    """`visiting` in the browser of these tests: visit(address, **options)."""
    return partial(visiting, chromium)


@contextmanager
def visiting(browser: Browser, address: str, **options: object) -> Iterator[Visit]:
    """Open `address` in a fresh profile that reaches its host and no other; a file reaches files only.

    `options` are those of Playwright's Browser.new_context: viewport, color_scheme, reduced_motion ...
    """
    home = urlsplit(address)
    context = browser.new_context(**options)
    page = context.new_page()
    seen = Visit(page)

    def guard(route) -> None:
        there = urlsplit(route.request.url)
        if (there.scheme, there.netloc) == (home.scheme, home.netloc):
            seen.requests.append(route.request.url)
            route.continue_()
        else:
            seen.strangers.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.goto(address)
    try:
        yield seen
    finally:
        context.close()


@pytest.fixture
def opened(visit, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open a page with figures in it, given as figures or as HTML; at the end there was no error, and no request but for it."""
    with ExitStack() as stack:
        visits = []

        def opening(*figures: object, **options: object) -> Page:
            file = tmp_path / f"page-{len(visits)}.html"
            head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A page</title>'
            body = "<p>text</p>".join(figure if isinstance(figure, str) else figure._repr_html_() for figure in figures)
            file.write_text(f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>', encoding="utf-8")
            visits.append(stack.enter_context(visit(file.as_uri(), **options)))
            return visits[-1].page

        yield opening
        for seen in visits:
            assert seen.errors == []
            assert seen.strangers == []
            assert len(seen.requests) == 1
