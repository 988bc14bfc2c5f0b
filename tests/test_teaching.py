"""The page on teaching: its hours are those of the chapters and exercises, its courses leave no gap, its code runs."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from utils import training
from utils.book.paths import prerequisites, read_notebooks, route
from utils.book.project import chapters, find_root
from utils.book.sources import data_files, dependencies
from utils.book.start_here import duration
from utils.data import wikipedia
from utils.data.french.pairs import pairs
from utils.grading.notebooks import exercises

ROOT = find_root(Path(__file__).parent)
PAGE = (ROOT / "instructors" / "teaching.md").read_text(encoding="utf-8")
NOTEBOOKS = read_notebooks(chapters(ROOT))
CODE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
TEXT, SPLIT, PAIRS, TRANSLATOR, MODULE = CODE


def weeks(section):
    """The weeks of a course: (names of its chapters, hours)."""
    text = re.search(rf"## {section}\n(.*?)(?=\n## |\Z)", PAGE, flags=re.S)[1]
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", text, flags=re.M)
    assert [int(week) for week, *_ in rows] == list(range(1, len(rows) + 1))
    return [(re.findall(r"\]\(\.\./chapters/([\w-]+)\)", taught), hours) for _, taught, hours in rows]


def minutes(name):
    """What a chapter says that working through it takes, and what its exercises say."""
    said = re.search(r"^Time: about (two hours|(\d+) minutes)", NOTEBOOKS[name].cells[0].source, flags=re.M)
    tasks = exercises(nbformat.read(ROOT / "exercises" / f"{name}.ipynb", as_version=4))
    return int(said[2] or 120) + sum(task.minutes for task in tasks)


# --- courses


@pytest.mark.parametrize(("section", "count"), [("A course of four weeks", 4), ("A course of twelve weeks", 12)])
def test_the_hours_are_those_of_the_chapters_and_their_exercises(section, count):
    found = weeks(section)
    assert len(found) == count
    for names, hours in found:
        assert hours == (duration(sum(map(minutes, names))) if names else "as you like")


def test_no_course_has_a_gap():
    needs = prerequisites(ROOT, NOTEBOOKS)
    short, whole = ([name for names, _ in weeks(f"A course of {n} weeks") for name in names] for n in ("four", "twelve"))
    assert short == route(needs, ["13-transformer", "14-language-models"])
    assert whole == list(NOTEBOOKS)


# --- data of one's own


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a text and pairs of one's own, as the place where code runs, at tiny scale."""
    (tmp_path / "own.txt").write_text(wikipedia.wikipedia()[600_000:1_200_000], encoding="utf-8")
    lines = [f"{' '.join(pair.french)}\t{' '.join(pair.english)}" for pair in pairs(60, seed=1, longest=8)]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_SCALE", "tiny")
    return tmp_path


def test_a_text_and_pairs_of_one_s_own_are_read_and_learned_from(own, capsys):
    names = {"split": wikipedia.split}
    exec(TEXT + SPLIT, names)
    assert names["corpus"] == names["text"] + names["heldout"] and len(names["heldout"]) == 300_000
    exec(PAIRS, names)
    assert [len(part) for part in names["corpus"].split] == [48, 6, 6]
    assert "est-ce" in names["corpus"].source and "<pad>" in names["corpus"].target
    exec(TRANSLATOR, names)
    assert re.fullmatch(r"BLEU \d+\.\d\n", capsys.readouterr().out)


def lines_to_replace():
    """(chapter, line of the chapter, what the page puts in its place)."""
    text, split = TEXT.splitlines()[-1], SPLIT.strip()
    return [
        ("01-recurrent-networks", "corpus = wikipedia()", text),
        ("04-subword-tokens", "text, heldout = split(wikipedia(), 300_000)", split),
        ("14-language-models", "corpus = wikipedia()", text),
    ]


@pytest.mark.parametrize(("chapter", "line", "_"), lines_to_replace(), ids=["01", "04", "14"])
def test_the_lines_to_replace_are_in_the_chapters(chapter, line, _):
    code = [line for cell in NOTEBOOKS[chapter].cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert code.count(line) == 1
    assert sum("wikipedia()" in one for one in code) == 1


@pytest.mark.parametrize(("chapter", "name"), [("07", "corpus"), ("08", "data"), ("13", "data")])
def test_the_pairs_have_one_name_in_a_chapter(chapter, name):
    (notebook,) = (notebook for stem, notebook in NOTEBOOKS.items() if stem.startswith(chapter))
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert len(re.findall(rf"^{name} = \w+\.corpus\(training\.scale\(\)\)$", code, flags=re.M)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("chapter", "line", "instead"), lines_to_replace(), ids=["01", "04", "14"])
def test_a_chapter_runs_whole_on_a_text_of_one_s_own(chapter, line, instead, own):
    notebook = nbformat.from_dict(NOTEBOOKS[chapter])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace(line, f"from pathlib import Path\n{instead}")
    NotebookClient(notebook, resources={"metadata": {"path": own}}, timeout=300).execute()


def test_a_module_brings_a_text_that_the_build_sees(tmp_path):
    folder = tmp_path / "utils" / "data"
    folder.mkdir(parents=True)
    (folder / "own.py").write_text(MODULE, encoding="utf-8")
    (folder / "own.txt").write_text("A text.", encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("from utils.data.own import own_text")])
    assert (
        dependencies(tmp_path, notebook)
        == {folder / "own.py", folder / "own.txt"}
        == {folder / "own.py", *data_files(folder / "own.py")}
    )
    names = {"__file__": str(folder / "own.py")}
    exec(MODULE, names)
    assert names["own_text"]() == "A text."


# --- facts


def test_what_is_moved_to_the_end_are_lines_of_the_table_of_contents():
    caption, *lines = re.search(r"```yaml\n(.*?)```", PAGE, flags=re.S)[1].splitlines(keepends=True)
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert caption.startswith("  - caption: ") and "".join(lines[1:]) in toc
    (part,) = yaml.safe_load(caption + "".join(lines))
    assert not any(part["chapters"][0]["file"].split("/")[1] in needed for needed in prerequisites(ROOT, NOTEBOOKS).values())


def test_what_the_page_says_of_the_book_is_so():
    assert training.scale() in training.SCALES
    assert wikipedia.wikipedia.__wrapped__.__defaults__ == (100,), "characters seen fewer than a hundred times are dropped"
    publish = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
    assert "branches: [main]" in publish and "make book" in publish and "deploy-pages" in publish
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
