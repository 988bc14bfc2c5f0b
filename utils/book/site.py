"""From executed chapters to the static site in _build/html.

The pages are laid out in _build/source (chapters with their outputs, exercises, generated pages, assets) and handed to
jupyter-book, whole, whenever anything in that folder, the build's own code or a version has changed; otherwise nothing is done.
The finished site replaces the old one in one step, so no page in _build/html is ever half-written or older than its source.
"""

import copy
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import yaml

from utils.book.assets import copy_katex
from utils.book.execute import Chapter, plain
from utils.book.ledger import ledger
from utils.book.notebooks import chapter_title
from utils.book.project import config, pinned_versions, toc_files
from utils.book.start_here import start_here

BUDGET_TABLE = """# What the chapters cost

Every chapter runs on one thread. The table says how many seconds of processor time each took in this build,
from its first cell to its last, imports included.

| chapter | cpu-seconds |
|---|---:|
{rows}
| together | {total:.0f} |
"""


class SiteError(RuntimeError):
    """jupyter-book failed, warned, or left a page out."""


def execution_times(executed: Sequence[Chapter]) -> str:
    """The page of execution times, in Markdown."""
    rows = [f"| [{chapter_title(c.executed)}](chapters/{c.path.stem}) | {c.cost['cpu_s']:.0f} |" for c in executed]
    return BUDGET_TABLE.format(rows="\n".join(rows), total=sum(c.cost["cpu_s"] for c in executed))


def site_config(settings: dict) -> dict:
    """_config.yml as jupyter-book gets it: whatever leads to the repository is left out while it has no address."""
    settings = copy.deepcopy(settings)
    if settings["repository"]["url"]:
        settings["html"] |= {"use_repository_button": True, "use_issues_button": True}
    else:
        settings.pop("launch_buttons")
    return settings


def page_version(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The executed notebook as Sphinx reads it: the words that `show` put beside a picture become its alt."""
    page = nbformat.from_dict(notebook)
    for cell in page.cells:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt")
            if alt is not None:
                cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return page


def stage(root: Path, executed: Sequence[Chapter], source: Path) -> None:
    """Lay out everything that Sphinx reads in the folder `source`, from nothing."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("_toc.yml", "references.bib", "index.md"):
        shutil.copy(root / name, source / name)
    (source / "_config.yml").write_text(yaml.safe_dump(site_config(config(root))), encoding="utf-8")
    for folder in ("chapters", "exercises", "instructors"):
        for page in sorted((root / folder).glob("*")):
            if page.suffix in (".md", ".ipynb"):
                (source / folder).mkdir(exist_ok=True)
                shutil.copy(page, source / folder)
    for chapter in executed:
        nbformat.write(page_version(chapter.executed), source / "chapters" / chapter.path.name)
    (source / "execution-times.md").write_text(execution_times(executed), encoding="utf-8")
    (source / "start-here.md").write_text(start_here(root, executed), encoding="utf-8")
    (source / "results-ledger.md").write_text(ledger(root), encoding="utf-8")
    shutil.copytree(Path(__file__).parent / "static", source / "_static")
    copy_katex(root, source / "_static")


def site_key(root: Path, source: Path) -> str:
    """A digest of the laid-out folder, of the code of the build and of the versions it runs with."""
    digest = hashlib.sha256(repr(sorted(pinned_versions(root).items())).encode())
    for folder in (source, Path(__file__).parent):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def is_current(root: Path, wanted: str) -> bool:
    """Whether _build/html is there and was built under the key `wanted`."""
    stamp = root / "_build" / "html.key"
    return (root / "_build" / "html").is_dir() and stamp.is_file() and stamp.read_text() == wanted


def build_site(root: Path, executed: Sequence[Chapter]) -> bool:
    """Bring _build/html up to date; true if it had to be built. SiteError on any warning, or if a page is missing."""
    source, html, stamp = (root / "_build" / name for name in ("source", "html", "html.key"))
    stage(root, executed, source)
    wanted = site_key(root, source)
    if is_current(root, wanted):
        return False
    scratch = root / "_build" / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = ["build", str(source), "--path-output", str(scratch), "-W", "--keep-going", "-q"]
    log = root / "_build" / "jupyter-book.log"  # a file: a pipe would stay open as long as any process that it left behind
    with log.open("w", encoding="utf-8") as out:
        environment = os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"}
        status = subprocess.run(jupyter_book + command, stdout=out, stderr=subprocess.STDOUT, env=environment).returncode
    if status:
        said = plain(log.read_text(encoding="utf-8")[-8000:]).replace(f"{source}{os.sep}", "")
        raise SiteError(f"jupyter-book stopped with {status}:\n{said}")
    made = scratch / "_build" / "html"
    missing = [page for page in toc_files(root) if not (made / f"{page}.html").is_file()]
    if missing:
        raise SiteError(f"jupyter-book returned 0 but wrote no page for {', '.join(missing)}")
    offer_clean_notebooks(root, made)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(html, ignore_errors=True)
    made.replace(html)
    shutil.rmtree(scratch)
    stamp.write_text(wanted)
    return True


def offer_clean_notebooks(root: Path, html: Path) -> None:
    """Let the pages' download buttons give the committed notebooks, without outputs, in place of the executed ones."""
    for notebook in (html / "_sources").rglob("*.ipynb"):
        shutil.copy(root / notebook.relative_to(html / "_sources"), notebook)
