"""The whole book as one PDF: the site's pages, in the order of its table of contents, laid end to end and printed by a browser.

It says what the site says, runs no chapter and fetches nothing. An interactive figure stands there as it looks before the
first click, what is folded on the site is open, and links between pages lead to places in the PDF.
"""

import posixpath
import re
import shutil
from collections.abc import Collection
from html import escape
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from lxml import html
from lxml.html import HtmlElement
from playwright.sync_api import Playwright, sync_playwright

from utils.book.project import config, toc_files

SYSTEM = ("chromium", "chromium-browser", "google-chrome")  # asked for where Playwright has installed none of its own
SCALE = 0.8  # of the site's 16 pixels: text of some 10 points
WIDTH = 822  # pixels that then lie between the margins of pdf.css, so figures draw themselves as wide as they are printed
PAGE = """\
<!doctype html>
<html lang="en" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{title}</title>
{links}
<style>
{style}</style></head>
<body>
<header class="cover"><p>{title}</p><p>{author}</p></header>
<nav class="contents"><h1>Contents</h1>{contents}</nav>
{articles}
</body></html>
"""


class PdfError(RuntimeError):
    """There is no site to print, or no browser to print it with; the message says what to do."""


def write_pdf(root: Path) -> Path:
    """Print the site in _build/html to _build/book.pdf; its path. PdfError where the site or a browser is missing."""
    site, page, pdf = (root / "_build" / name for name in ("html", "book.html", "book.pdf"))
    if not site.is_dir():
        raise PdfError("there is no site to print; run `course build` first")
    page.write_text(one_page(root, site), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=["--disable-gpu"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1200}, color_scheme="light", reduced_motion="reduce")
        tab.emulate_media(media="print")
        tab.goto(page.as_uri(), timeout=300_000)
        tab.evaluate("document.fonts.ready")
        tab.pdf(path=pdf, scale=SCALE, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
        browser.close()
    return pdf


def find_browser(playwright: Playwright) -> str:
    """The path of a Chromium: Playwright's own, else the system's. PdfError, which says what to install, without one."""
    own = playwright.chromium.executable_path
    found = own if Path(own).exists() else next(filter(None, map(shutil.which, SYSTEM)), None)
    if found is None:
        raise PdfError(f"no browser: run `playwright install chromium`, or install one of {', '.join(SYSTEM)}")
    return found


def one_page(root: Path, site: Path) -> str:
    """The book as one HTML page that lies beside the folder `site`, whose style sheets, pictures and fonts it uses."""
    pages = [f"{page}.html" for page in toc_files(root)]
    trees = [html.parse(site / page, html.HTMLParser(encoding="utf-8")).getroot() for page in pages]
    sheets = trees[0].xpath("//link[@rel='stylesheet']/@href")
    (contents,) = trees[0].xpath("//nav[contains(@class, 'bd-docs-nav')]/div")
    for caption in contents.xpath(".//*[@role='heading']"):
        del caption.attrib["role"]  # it would be in the outline, beside the part's own page
    articles = [tree.xpath("//article[contains(@class, 'bd-article')]")[0] for tree in trees]
    for part, page in zip([contents, *articles], [pages[0], *pages]):
        move(part, page, site.name, pages)
    for article, page in zip(articles, pages):
        article.set("id", anchor(page, ""))
    settings = config(root)
    return PAGE.format(
        title=escape(settings["title"]),
        author=escape(settings["author"]),
        links="\n".join(f'<link rel="stylesheet" href="{site.name}/{sheet}">' for sheet in sheets),
        style=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
        contents=text_of(contents),
        articles="\n".join(map(text_of, articles)),
    )


def move(part: HtmlElement, page: str, folder: str, pages: Collection[str]) -> None:
    """Make a part of `page` right for its new place: ids that no other page has, links inside the book, files in `folder`.

    A figure keeps its ids, since its script looks for them, and so does a drawing. What leads to a file of the site that
    is no page of the book (a notebook to download) is a link no more.
    """
    own = {e for drawing in part.xpath(".//svg | .//figure[contains(@class, 'interactive')]") for e in drawing.iter()}
    for element in part.iter("*"):
        name, source, link = map(element.get, ("id", "src", "href"))
        if name is not None and element not in own:
            element.set("id", anchor(page, name))
        if source is not None and not urlsplit(source).scheme:
            element.set("src", f"{folder}/{beside(page, source)}")
        if element.tag == "details":
            element.set("open", "")
        if link is not None and not urlsplit(link).scheme:
            there, fragment = urldefrag(link)
            target = beside(page, there) if there else page
            if target in pages:
                element.set("href", f"#{anchor(target, fragment)}")
            else:
                del element.attrib["href"]


def beside(page: str, link: str) -> str:
    """A relative link on `page`, as a path from the site's folder."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def anchor(page: str, fragment: str) -> str:
    """The id in the PDF's page of what stands at page#fragment on the site; without a fragment, the page's own."""
    return "--".join(filter(None, [re.sub(r"\W", "-", page.removesuffix(".html")), fragment]))


def text_of(part: HtmlElement) -> str:
    """The HTML of one element."""
    return html.tostring(part, encoding="unicode", with_tail=False)
