"""Every page of the built site as a browser sees it: `python -m benchmarks.site` prints its weight, its requests, its shift.

The pages come from a server on this machine that keeps everything but the page itself back for a moment, as a network
does: what arrives late and moves the text below it is seen to do so. The tests of the site measure with the same code.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

DELAY = 0.1  # seconds that an image, a font or a script takes to arrive
MEASURES = """async () => {
  await document.fonts.ready;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const shifts = await new Promise((resolve) => {
    new PerformanceObserver((list) => resolve(list.getEntries())).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve([]), 200);
  });
  const loaded = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  return {
    bytes: loaded.reduce((sum, entry) => sum + entry.decodedBodySize, 0),
    requests: loaded.map((entry) => entry.name),
    missing: loaded.filter((entry) => entry.responseStatus !== 200).map((entry) => entry.name),
    shift: shifts.reduce((sum, entry) => sum + entry.value, 0),
  };
}"""


@dataclass(frozen=True)
class Measures:
    """What one page loads (bytes, unpacked), from where, what of it was not there, and how far its layout shifted."""

    bytes: int
    requests: list[str]
    missing: list[str]
    shift: float


class SlowHandler(SimpleHTTPRequestHandler):
    """Serves a folder, pages and style sheets at once, the rest a moment later."""

    def do_GET(self) -> None:
        if not self.path.partition("?")[0].endswith((".html", ".css")):
            time.sleep(DELAY)
        with suppress(ConnectionError):  # a browser that leaves a page drops what is on its way
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; the address, with no slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SlowHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pages(folder: Path) -> list[str]:
    """The addresses of all pages of a built site, relative to it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    return sorted(name for name in found if not name.startswith("_"))


def measure(page: Any) -> Measures:
    """The measures of a page that a browser has just opened."""
    return Measures(**page.evaluate(MEASURES))


def main(visit: Callable[..., AbstractContextManager], folder: Path) -> None:
    """Visit every page and print the table."""
    table = Table("page", "raw KB", "requests", "layout shift")
    for column in table.columns[1:]:
        column.justify = "right"
    with serve(folder) as address:
        for name in pages(folder):
            with visit(f"{address}/{name}") as seen:
                m = measure(seen.page)
                table.add_row(name, f"{m.bytes / 1000:.0f}", str(len(m.requests)), f"{m.shift:.4f}")
    Console().print(table)


if __name__ == "__main__":
    from utils.book.project import find_root

    sys.path.insert(0, str(find_root() / "tests"))
    from browser import FLAGS, find_browser, visiting
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        main(partial(visiting, chromium), find_root() / "_build" / "html")
        chromium.close()
