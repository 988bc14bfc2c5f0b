"""The notebooks as a student runs them: in JupyterLab, a real server on copies in the tests' browser, and at tiny scale."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Locator, Page, expect

from utils.book.execute import environment
from utils.book.project import chapters, find_root
from utils.grading.task import find

pytest_plugins = ["browser"]
pytestmark = pytest.mark.slow

TOKEN = "for-these-tests"
QUIET = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
TINY = {"COURSE_SCALE": "tiny"}
WAIT = 60_000  # milliseconds, for what a kernel does


@contextmanager
def jupyter(root: Path, folder: Path) -> Iterator[str]:
    """A JupyterLab server over copies of the book's notebooks in `folder`/book; its address, with no slash at its end.

    It has a port, a token and settings of its own, and asks nobody for news. Its kernels import the book from `root`.
    """
    for name in ("chapters", "exercises"):
        shutil.copytree(root / name, folder / "book" / name)
    quiet = folder / "JUPYTERLAB_SETTINGS_DIR" / QUIET
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    places = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]
    places += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"]
    own = {place: str(folder / place) for place in places}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder / 'book'}"]
    command += ["--LabApp.extension_manager=readonly"]  # the other one looks at a package index
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment(root) | own | TINY, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}", server, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    """Return when the address answers. AssertionError with the server's words if it ends, or says nothing for a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urlopen(address).close()
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)


@pytest.fixture(scope="session")
def lab(root, tmp_path_factory):
    """The folder of the copies, and the address of the server over it."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter(root, folder) as address:
        yield folder / "book", address


@pytest.fixture
def notebook(lab, visit):
    """Open a notebook, by its path in the book: with notebook("chapters/...") as seen. At the end no script had failed."""
    _, address = lab

    @contextmanager
    def opening(path: str) -> Iterator[Page]:
        with visit(f"{address}/lab/tree/{path}?reset&token={TOKEN}", viewport={"width": 1400, "height": 1000}) as seen:
            seen.page.locator(".jp-Notebook").wait_for(timeout=WAIT)
            expect(seen.page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=WAIT)
            yield seen.page
            assert seen.strangers == []
            assert seen.errors == []

    return opening


def menu(page: Page, name: str, item: str) -> None:
    """Choose an item of JupyterLab's menu."""
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def run_all(page: Page) -> None:
    """Run every cell and wait until the kernel has nothing more to do."""
    menu(page, "Run", "Run All Cells")
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts.first).to_have_text("[1]:", timeout=WAIT)
    expect(prompts.filter(has_text="[*]")).to_have_count(0, timeout=WAIT)


def saved(page: Page, path: Path) -> nbformat.NotebookNode:
    """The notebook as JupyterLab writes it to disk now."""
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-current.jp-mod-dirty, .jp-mod-dirty")).to_have_count(0)
    return nbformat.read(path, as_version=4)


def output_of(cell: Locator) -> Locator:
    """What a code cell shows below itself."""
    return cell.locator(".jp-OutputArea-output")


def test_a_chapter_runs_and_its_figure_answers_mouse_and_keyboard(lab, notebook):
    chapter = "chapters/00-getting-started.ipynb"
    with notebook(chapter) as page:
        run_all(page)
        figure = page.locator("figure.interactive")
        slider, shown = figure.locator(".answer input[type=range]").first, figure.locator(".answer .logit b").first
        slider.click(position={"x": 3, "y": 8})
        expect(shown).to_have_text("−6.00")
        for key in ("ArrowRight", "ArrowUp", "d", "d"):  # outside of a figure, up goes to another cell, and d, d cuts it
            page.keyboard.press(key)
        expect(shown).to_have_text("−5.80")
        written = nbformat.read(lab[0] / chapter, as_version=4)
        now = saved(page, lab[0] / chapter)
        code = [cell for cell in now.cells if cell.cell_type == "code"]
    assert [cell.id for cell in now.cells] == [cell.id for cell in written.cells]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [cell.id for cell in code for output in cell.outputs if output.output_type == "error"] == []


def test_an_exercise_is_answered_wrongly_and_then_rightly(notebook):
    overflow = "return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)"
    with notebook("exercises/00-getting-started.ipynb") as page:
        task, check = (page.locator(".jp-CodeCell").filter(has_text=words) for words in ("def softmax", 'check("00.1")'))
        run_all(page)
        expect(output_of(check)).to_contain_text("Task 00.1: not finished yet")

        def answer(line: str) -> None:
            task.locator(".cm-line").last.click()
            page.keyboard.press("Home")
            page.keyboard.press("Shift+End")
            page.keyboard.type(line)
            page.keyboard.press("Shift+Enter")
            page.keyboard.press("Shift+Enter")

        answer(overflow)
        expect(output_of(check)).to_contain_text(find("00.1").mistakes["overflow"].hint)
        answer(overflow.replace("logits)", "logits - logits.max(1, keepdims=True))"))
        expect(output_of(check)).to_contain_text("Task 00.1: passed")


@pytest.mark.parametrize("path", chapters(find_root(Path(__file__).parent)), ids=lambda path: path.stem)
def test_every_chapter_runs_at_tiny_scale(root, tmp_path, path):
    client = NotebookClient(nbformat.read(path, as_version=4), timeout=300, kernel_name="python3")
    with client.setup_kernel(env=environment(root) | TINY, cwd=str(tmp_path)):
        for index, cell in enumerate(client.nb.cells):
            client.execute_cell(cell, index)
