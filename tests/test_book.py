import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from utils import imports
from utils.book import site as site_module
from utils.book import sources
from utils.book.execute import Chapter, ChapterError, cache_path, load, run_all
from utils.book.notebooks import METADATA
from utils.book.project import chapters, find_root, toc_files
from utils.book.site import SiteError, build_site

A, B = "00-a.ipynb", "01-b.ipynb"
FILES = {
    "requirements.txt": "pip\nno-such-package==1.0  # of nobody\n",
    "_toc.yml": "format: jb-book\nroot: index\nchapters:\n  - file: chapters/00-a\n  - file: chapters/01-b\n",
    "index.md": "# Preface\n",
    "references.bib": "",
    "utils/__init__.py": "",
    "utils/direct.py": "VALUE = 1\n",
    "utils/deep/__init__.py": "",
    "utils/deep/one.py": "from .two import VALUE\ndef late():\n    import utils.late\n    return utils.late.VALUE + VALUE\n",
    "utils/deep/two.py": "VALUE = 2\n",
    "utils/deep/two.js": "// two",
    "utils/deep/twofold.js": "// another's",
    "utils/late.py": "VALUE = 3\n",
    "utils/grading/checks/chapter_07.py": "",
    "utils/unused.py": "VALUE = 4\n",
    "experiments/__init__.py": "",
    "experiments/recall.py": "VALUE = 5\n",
    "experiments/results/recall.json": "{}",
    "experiments/results/other.json": "{}",
}
CELLS = {
    A: ["# A first page", "import utils.direct\nprint('direct', utils.direct.VALUE)"],
    B: ["# B next page", "from utils.deep import one\nfrom experiments import recall\nprint('deep', one.late(), recall.VALUE)"],
}


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook of the given cells: those that begin with # and a blank are prose."""
    v4 = nbformat.v4
    made = [v4.new_markdown_cell(c) if c.startswith("# ") else v4.new_code_cell(c) for c in cells]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(v4.new_notebook(cells=made, metadata=METADATA), path)


@pytest.fixture
def book(tmp_path):
    """A book of two chapters with packages of its own."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name, cells in CELLS.items():
        write_notebook(tmp_path / "chapters" / name, cells)
    return tmp_path.resolve()


def run(book, on_cell=lambda *_: None):
    """Bring the chapters up to date -> which of them ran, and what each printed."""
    ran = []
    executed = run_all(book, lambda path: ran.append(path.name), on_cell)
    return set(ran), {c.path.name: printed(c) for c in executed}


def printed(chapter):
    return "".join(o.text for cell in chapter.executed.cells for o in cell.get("outputs", []))


# --- the key


def keys(book):
    return {path.name: load(book, path).key for path in chapters(book)}


@pytest.mark.parametrize(
    ("file", "who"),
    [
        ("utils/__init__.py", {A, B}),
        ("utils/direct.py", {A}),
        ("utils/deep/__init__.py", {B}),
        ("utils/deep/one.py", {B}),  # from package import module
        ("utils/deep/two.py", {B}),  # relative, through another
        ("utils/deep/two.js", {B}),  # bears the module's name
        ("utils/deep/two.css", {B}),  # not there before
        ("utils/deep/twofold.js", set()),
        ("utils/late.py", {B}),  # inside a function
        ("utils/unused.py", set()),
        ("experiments/__init__.py", {B}),
        ("experiments/recall.py", {B}),
        ("experiments/results/recall.json", {B}),
        ("experiments/results/other.json", set()),
        ("references.bib", set()),
    ],
)
def test_a_changed_file_changes_the_keys_of_those_who_use_it(book, file, who):
    before = keys(book)
    (book / file).write_text("# changed\n" + FILES.get(file, ""))
    after = keys(book)
    assert {name for name in after if after[name] != before[name]} == who


@pytest.mark.parametrize(
    "code",
    [
        "import utils.late",
        "import os, utils.late as later",
        "from utils import late",
        "from utils.late import VALUE",
        "if False:\n    from utils.late import *",
        "%matplotlib inline\nfrom utils import late",
        "!ls\nx = !ls\nfrom utils import late",
        "from utils.deep import one",
    ],
)
def test_every_form_of_import_is_seen(book, code):
    write_notebook(book / "chapters" / A, [code])
    before = keys(book)[A]
    (book / "utils/late.py").write_text("VALUE = 30\n")
    assert keys(book)[A] != before


@pytest.mark.parametrize("line", ["from {} import x", "from {}x import y"])
@pytest.mark.parametrize(("dots", "package"), [(".", "utils.deep"), ("..", "utils")])
def test_relative_imports_count_from_their_package(line, dots, package):
    assert f"{package}.x" in imports.imported_modules(line.format(dots), "utils.deep")


def test_a_check_called_by_its_task_s_id_is_a_dependency(book):
    write_notebook(book / "chapters" / A, ["from utils.direct import check", 'check("07.1")'])
    file = book / "utils/grading/checks/chapter_07.py"
    assert file in sources.dependencies(book, nbformat.read(book / "chapters" / A, 4))


def test_python_takes_a_package_before_a_module_of_the_same_name(book):
    (book / "utils/late").mkdir()
    (book / "utils/late/__init__.py").write_text("VALUE = 33\n")
    assert imports.module_file(book, "utils.late") == book / "utils/late/__init__.py"


def test_modules_that_import_each_other_end(book):
    (book / "utils/late.py").write_text("import utils.deep.one\nVALUE = 3\n")
    before = keys(book)[B]
    (book / "utils/deep/two.py").write_text("VALUE = 20\n")
    assert keys(book)[B] != before


def test_versions_scale_and_python_are_in_the_key(book, monkeypatch):
    seen = [keys(book)[A]]
    monkeypatch.setenv("COURSE_SCALE", "tiny")
    seen.append(keys(book)[A])
    monkeypatch.setattr(sources.platform, "python_version", lambda: "3.99.0")
    seen.append(keys(book)[A])
    monkeypatch.setattr(sources, "pinned_versions", lambda root: {"pip": "0.0"})
    seen.append(keys(book)[A])
    assert len(set(seen)) == 4


def test_prose_names_and_tags_are_not_in_the_key(book):
    before = keys(book)
    path = book / "chapters" / A
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = "# Another title"
    notebook.cells[1].metadata["tags"] = ["hide-input"]
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell("More."))
    nbformat.write(notebook, path)
    assert keys(book) == before


# --- what runs


def test_what_changed_runs_again_and_nothing_else(book):
    ran, out = run(book)
    assert ran == {A, B}
    assert out == {A: "direct 1\n", B: "deep 5 5\n"}
    assert run(book) == (set(), out)

    write_notebook(book / "chapters" / B, ["# B retold", *CELLS[B][1:], "# B at its end"])
    assert run(book) == (set(), out)
    page = load(book, book / "chapters" / B).executed
    assert [cell.source for cell in page.cells if cell.cell_type == "markdown"] == ["# B retold", "# B at its end"]

    (book / "utils/deep/two.py").write_text("VALUE = 2000\n")
    assert run(book) == ({B}, {A: "direct 1\n", B: "deep 2003 5\n"})

    write_notebook(book / "chapters" / A, [*CELLS[A], "print('more')"])
    assert run(book) == ({A}, {A: "direct 1\nmore\n", B: "deep 2003 5\n"})

    (book / "utils/deep/two.py").write_text("VALUE = 2\n")
    assert load(book, book / "chapters" / B).executed is None  # its old outputs are gone, not kept for another day


def test_a_chapter_fresh_from_its_run_is_what_the_cache_gives(book):
    fresh = run_all(book, lambda path: None, lambda path, done, of: None)
    assert [chapter.executed for chapter in fresh] == [load(book, path).executed for path in chapters(book)]


def test_a_failure_is_told_plainly_and_keeps_no_other_chapter_from_running(book):
    write_notebook(book / "chapters" / A, ["import utils.direct\nutils.direct.VALUE / 0"])
    ran = []
    with pytest.raises(ChapterError) as caught:
        run_all(book, lambda path: ran.append(path.name), lambda *_: None)
    assert set(ran) == {A, B}
    assert re.match(rf"{A}: a cell raised an error\n", str(caught.value))
    assert "utils.direct.VALUE / 0" in str(caught.value)
    assert "ZeroDivisionError" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert [path.name for path in (book / "_build/executed").iterdir()] == [B]
    write_notebook(book / "chapters" / A, ["print('mended')"])
    assert run(book) == ({A}, {A: "mended\n", B: "deep 5 5\n"})


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("def f(:\n    pass", "SyntaxError"),
        ("import utils.broken", "SyntaxError"),
        ("import os\nos._exit(1)", "Kernel died"),
    ],
)
def test_what_cannot_run_at_all_is_told_with_the_chapter_s_name(book, cell, message):
    (book / "utils/broken.py").write_text("def f(:\n")
    (book / "chapters" / B).unlink()
    write_notebook(book / "chapters" / A, [cell])
    with pytest.raises(ChapterError, match=rf"(?s){A}.*{message}"):
        run(book)
    assert not cache_path(book, book / "chapters" / A).exists()


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("open('{}/references.bib').read()", "references.bib"),
        ("import os\nos.close(os.open(b'{}/references.bib', os.O_RDONLY))", "references.bib"),
        ("import os\nos.chdir('{}')\nopen('experiments/results/other.json')", "experiments/results/other.json"),
        ("from importlib import import_module\nimport_module('utils.' + 'late')", "utils/late.py"),
        ("%%time\nimport utils.late", "utils/late.py"),
        ("import sys\nsys.path.append('{}/chapters')\nimport neighbour", "chapters/neighbour.py"),
    ],
)
def test_a_file_that_the_key_does_not_cover_is_refused(book, cell, file):
    (book / "chapters/neighbour.py").write_text("")
    (book / "chapters" / B).unlink()
    write_notebook(book / "chapters" / A, [cell.format(book)])
    with pytest.raises(ChapterError, match=rf"{A} read .*{re.escape(file)}, which the build cannot see"):
        run(book)
    assert load(book, book / "chapters" / A).executed is None


def test_what_a_chapter_writes_and_what_lies_beside_it_plays_no_part(book):
    (book / "chapters/notes.txt").write_text("left from last time")
    (book / "chapters" / B).unlink()
    write_notebook(book / "chapters" / A, ["import os\nprint(os.listdir())\n_ = open('notes.txt', 'w').write('now')"])
    assert run(book)[1] == {A: "[]\n"}
    assert (book / "chapters/notes.txt").read_text() == "left from last time"


def test_what_changes_while_its_chapter_runs_is_not_kept(book):
    def change_late(path, done, of):
        if path.name == A and done == 1:
            (book / "utils/direct.py").write_text("VALUE = 10\n")

    write_notebook(book / "chapters" / A, ["x = 1", *CELLS[A][1:]])  # the module is read after it was changed
    with pytest.raises(ChapterError, match=rf"{A}, or a file that it depends on, was changed while it ran"):
        run(book, change_late)
    (book / "utils/direct.py").write_text("VALUE = 1\n")
    assert load(book, book / "chapters" / A).executed is None


def test_an_error_of_the_build_itself_is_not_blamed_on_a_chapter(book):
    def broken(*_):
        raise LookupError("no bar")

    with pytest.raises(LookupError, match="no bar"):
        run(book, broken)
    assert not (book / "_build/executed").exists()


def test_an_interrupt_stops_at_once_and_keeps_what_is_whole(book):
    (book / "chapters" / B).unlink()
    write_notebook(book / "chapters" / A, [f"import os\nopen('{book}/pid', 'w').write(str(os.getpid()))", "while True: pass"])
    write_notebook(book / "chapters" / B, ["print('whole')"])
    course = subprocess.Popen(
        [sys.executable, "-m", "utils.cli", "build"],
        cwd=book,
        env=os.environ | {"PYTHONSAFEPATH": "1"},  # our utils, not those of the book in the current folder
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    waiting_for = [book / "pid", cache_path(book, book / "chapters" / B)]
    wait_until(lambda: all(path.exists() and path.read_text() for path in waiting_for))
    course.send_signal(2)
    output, _ = course.communicate(timeout=10)
    assert course.returncode == 130
    assert "stopped" in output
    assert "Traceback" not in output
    assert [path.name for path in (book / "_build/executed").iterdir()] == [B]
    wait_until(lambda: not runs(int((book / "pid").read_text())))


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)


def runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


# --- where things are


def test_the_root_is_found_from_below(book):
    assert find_root(book / "chapters") == book
    with pytest.raises(FileNotFoundError, match=r"no _toc\.yml and chapters/"):
        find_root(book.parent)


def test_pages_of_nested_parts_are_all_listed(book):
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n  - caption: One\n    chapters:\n      - file: a\n        sections:\n"
        "          - file: b/c\n      - url: https://example.org\n  - chapters:\n      - file: d\n"
    )
    assert toc_files(book) == ["index", "a", "b/c", "d"]


def test_only_numbered_notebooks_are_chapters(book):
    for name in ("draft.ipynb", "00-notes.md", "1-x.ipynb"):
        (book / "chapters" / name).write_text("{}")
    assert [path.name for path in chapters(book)] == [A, B]


# --- the site


@pytest.fixture
def chapters_as_run(root, book):
    """The book's chapters as they would come back from a run, and what jupyter-book needs beside them."""
    shutil.copy(root / "_config.yml", book)
    (book / "_build").mkdir()
    (book / "_build/assets").symlink_to(root / "_build/assets")

    def as_run():
        found = []
        for path in chapters(book):
            executed = nbformat.read(path, 4)
            executed.metadata["course"] = {"key": "", "cpu_s": 1.0}
            found.append(Chapter(path, "", executed))
        return found

    return as_run


def page(book, name="chapters/01-b"):
    return (book / f"_build/html/{name}.html").read_text(encoding="utf-8")


@pytest.mark.book
def test_no_old_page_stays_and_a_build_that_fails_leaves_the_site_alone(book, chapters_as_run):
    assert build_site(book, chapters_as_run())
    assert "A first page" in page(book)  # in the sidebar of the other
    written = (book / "_build/html/index.html").stat().st_mtime_ns
    assert not build_site(book, chapters_as_run())
    assert (book / "_build/html/index.html").stat().st_mtime_ns == written

    write_notebook(book / "chapters" / A, ["# Another title\n\n[A link](nowhere.md)"])
    with pytest.raises(SiteError, match=r"(?m)^chapters/00-a.ipynb.*nowhere") as caught:
        build_site(book, chapters_as_run())
    assert "\x1b" not in str(caught.value)
    assert "A first page" in page(book)

    (book / "_toc.yml").write_text(FILES["_toc.yml"].replace("00-a", "00-x"))
    with pytest.raises(SiteError, match="00-x"):
        build_site(book, chapters_as_run())
    assert "A first page" in page(book)

    (book / "_toc.yml").write_text(FILES["_toc.yml"])
    write_notebook(book / "chapters" / A, ["# Another title"])
    assert build_site(book, chapters_as_run())
    assert "Another title" in page(book)
    assert "A first page" not in page(book)
    (book / "_toc.yml").write_text(FILES["_toc.yml"].replace("  - file: chapters/00-a\n", ""))
    assert build_site(book, chapters_as_run())
    assert not (book / "_build/html/chapters/00-a.html").exists()


@pytest.mark.book
def test_a_page_that_jupyter_book_leaves_out_without_a_word_fails(book, chapters_as_run, monkeypatch):
    monkeypatch.setattr(site_module.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    with pytest.raises(SiteError, match="wrote no page for index, chapters/00-a, chapters/01-b"):
        build_site(book, chapters_as_run())
    assert not (book / "_build/html").exists()


@pytest.mark.book
@pytest.mark.parametrize("url", ["", "https://github.com/readers/book"])
def test_launch_buttons_appear_with_the_repository_s_address(book, chapters_as_run, url):
    settings = (book / "_config.yml").read_text()
    (book / "_config.yml").write_text(re.sub(r'(repository:\n  url: )".*"', rf'\1"{url}"', settings))
    build_site(book, chapters_as_run())
    html = page(book)
    for there in (
        "colab.research.google.com/github/readers/book",
        "mybinder.org/v2/gh/readers/book",
        'href="https://github.com/readers/book"',
    ):
        assert (there in html) == bool(url)
    assert bool(url) or not re.findall(r"colab|mybinder|github\.com", html)
    assert not re.findall(r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//""", html)
    assert not re.findall(r"""<link[^>]*rel=["']?(?:stylesheet|preload|icon)[^>]*href=["']?(?:https?:)?//""", html)


@pytest.mark.book
def test_a_second_build_is_a_matter_of_seconds_and_writes_nothing(root, site):
    pages = {path: path.stat().st_mtime_ns for path in (root / "_build").rglob("*.html")}
    before = os.times()
    done = subprocess.run([sys.executable, "-m", "utils.cli", "build"], cwd=root, capture_output=True, text=True)
    after = os.times()
    assert re.search(r"\b0 of \d+ chapters run, site unchanged", done.stdout)
    assert after.children_user + after.children_system - before.children_user - before.children_system < 10
    assert {path: path.stat().st_mtime_ns for path in (root / "_build").rglob("*.html")} == pages
