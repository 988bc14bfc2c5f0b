"""The committed notebooks keep one form and one manner, and the chapters ran as the budgets and the reader ask."""

import ast
import html
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from utils.book.notebooks import METADATA, first_cell, normalised, text_of
from utils.book.project import chapters, find_root
from utils.book.sources import code_cells
from utils.imports import imported_modules, module_file

ROOT = find_root(Path(__file__).parent)
CHAPTERS = chapters(ROOT)
NOTEBOOKS = [*CHAPTERS, *sorted(ROOT.glob("solutions/*.ipynb")), *sorted(ROOT.glob("exercises/*.ipynb"))]
PAGES = [*CHAPTERS, *(p for folder in (".", "chapters", "instructors") for p in sorted((ROOT / folder).glob("*.md")))]

BUDGETS = {"01": 180, "07": 180, "08": 180, "09": 180, "13": 180, "14": 180}  # cpu-seconds; the others have 60
INTRODUCED = {  # the modules of ours that a chapter brings, for itself and for all after it; it may import no others
    "00": {
        "utils.training",
        "utils.plotting",
        "utils.data.text",
        "utils.figures.softmax",
        "utils.grading.student",
    },
    "01": {
        "utils.rnn",
        "utils.ngram",
        "utils.records",
        "utils.diagrams",
        "utils.data.synthetic",
        "utils.data.wikipedia",
        "utils.figures.hidden_units",
        "experiments.crossing",
        "experiments.gradient_norms",
        "experiments.recall",
    },
    "02": {
        "utils.decoding",
        "utils.sampling",
        "utils.figures.beam_tree",
        "experiments.beam_curse",
        "experiments.greedy_misses",
    },
    "03": {
        "utils.word_vectors",
        "utils.word_space",
        "utils.cooccurrence",
        "utils.data.words",
        "utils.data.similarity",
        "utils.figures.word_map",
        "experiments.skip_gram_or_cbow",
    },
    "04": {
        "utils.bpe",
        "utils.tokenizer",
        "utils.tokenizer_file",
        "utils.figures.merges",
        "experiments.subword_units",
    },
    "05": {
        "utils.reservoir",
        "utils.readout",
        "utils.liquid",
        "utils.data.chaos",
        "utils.figures.reservoir_dial",
        "experiments.mackey_glass",
        "experiments.memory_capacity",
        "experiments.reservoir_against_trained",
        "experiments.reservoir_on_text",
        "experiments.trained_changes",
    },
    "07": {
        "utils.batches",
        "utils.seq2seq",
        "utils.conv_seq2seq",
        "utils.metrics",
        "utils.translation",
        "utils.data.french.phrases",
        "utils.data.french.pairs",
        "utils.data.french.splits",
        "utils.figures.bleu_counter",
        "experiments.one_vector",
        "experiments.reversal",
    },
    "08": {
        "utils.attention.core",
        "utils.attention.additive",
        "utils.attention.translator",
        "utils.alignment",
        "utils.figures.ribbons",
        "experiments.attention_and_length",
        "experiments.attention_as_alignment",
        "experiments.multi30k",
    },
    "09": {
        "utils.attention.scores",
        "utils.attention.local",
        "utils.attention.hard",
        "utils.attention.luong",
        "utils.attention.wirings",
        "utils.attention.positional",
        "utils.figures.score_compass",
        "experiments.attention_scores",
        "experiments.positional_attention",
        "experiments.scaling",
    },
    "11": {
        "utils.attention.multihead",
        "utils.attention.positions",
        "utils.attention.tagger",
        "utils.attention.intra",
        "utils.attention.decomposable",
        "utils.attention.images",
        "utils.data.entailment",
        "utils.figures.mask_painter",
        "utils.figures.qkv_explorer",
        "experiments.agreement",
        "experiments.convolutional_translation",
        "experiments.cost_and_path",
        "experiments.extrapolation",
    },
    "13": {
        "utils.transformer",
        "utils.figures.head_viewer",
        "experiments.norm_and_warmup",
        "experiments.transformer_parts",
        "experiments.without_recurrence",
    },
    "14": {
        "utils.language_models",
        "utils.experts",
        "utils.figures.next_token",
        "experiments.both_sides",
        "experiments.many_experts",
        "experiments.recurrence_or_attention",
        "experiments.shakespeare",
    },
}


def name(path):
    return path.relative_to(ROOT).as_posix()


def read(path):
    return nbformat.read(path, as_version=4)


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=name)


# --- the committed form


@every_notebook
def test_stands_in_the_committed_form(path):
    notebook = read(path)
    assert text_of(normalised(notebook, first_cell(ROOT))) == path.read_text(encoding="utf-8"), "run `course exercises`"
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@every_notebook
def test_begins_with_a_title_and_the_setup_line(path):
    cells = read(path).cells
    assert re.match(r"# (Exercises )?\d\d:? \w", cells[0].source)
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert (first.id, first.source) == ("setup", first_cell(ROOT))
    assert "remove-cell" in first.metadata.tags


@every_notebook
def test_ids_are_unique_and_readable(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", i)] == []
    assert [i for i in ids if re.search(r"[0-9a-f]{8}", i)] == []


@every_notebook
def test_code_fits_the_screen(path):
    for cell in read(path).cells:
        lines = cell.source.splitlines()
        if cell.cell_type == "code":
            assert max(map(len, lines)) <= 128, cell.id
            assert len(lines) <= (25 if path in CHAPTERS else 60), cell.id


# --- what a chapter imports


@every_chapter
def test_imports_only_what_it_or_an_earlier_chapter_introduced(path):
    number = path.name[:2]
    known = set().union(*(modules for chapter, modules in INTRODUCED.items() if chapter <= number))
    plain = TransformerManager().transform_cell
    imported = {m for source in code_cells(read(path)) for m in imported_modules(plain(source)) if module_file(ROOT, m)}
    modules = {m for m in imported if module_file(ROOT, m).name != "__init__.py"}
    assert modules - known == set()
    assert INTRODUCED.get(number, set()) - modules == set(), "introduced in the table above, and not in the chapter"


def test_no_module_is_introduced_twice():
    modules = [m for introduced in INTRODUCED.values() for m in introduced]
    assert len(set(modules)) == len(modules)


@every_chapter
def test_no_name_is_imported_anew_to_mean_something_else(path):
    meaning = {}
    for source in code_cells(read(path)):
        for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    local, what = alias.asname or alias.name, (getattr(node, "module", None), alias.name)
                    assert meaning.setdefault(local, what) == what


# --- words


def prose(path):
    """The text of a page as a reader reads it: no code, mathematics, links' targets or comments."""
    cells = read(path).cells if path.suffix == ".ipynb" else []
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown") if cells else path.read_text(encoding="utf-8")
    for pattern in (r"(?s)```.*?```", r"`[^`]*`", r"(?s)\$\$.*?\$\$", r"\$[^$]*\$", r"\]\([^)]*\)", r"(?s)<!--.*?-->"):
        text = re.sub(pattern, " ", text)
    return text


@pytest.mark.parametrize("path", [*PAGES, *sorted(ROOT.glob("solutions/*.ipynb"))], ids=name)
def test_prose_is_plain(path):
    words = re.findall(r"(?i)\b(?:simply|just|easy|easily|obviously|trivially|of course|clearly)\b", prose(path))
    assert words == []
    assert [line for line in prose(path).splitlines() if "!" in line.replace("![", "")] == []


def test_prose_finds_what_it_should(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("`just!` $n!$ ```\neasy!\n``` [easy](just.md) <!-- simply! -->\n\n$$\nn!\n$$\n\nWell!")
    assert prose(page).split() == ["[easy", "Well!"]


# --- pictures


def shows(path):
    """The calls of `show` in a chapter: (cell id, what stands as alt)."""
    for cell in read(path).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "show":
                    given = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "alt")]
                    yield cell.id, given[0]


@every_chapter
def test_every_picture_is_described_in_the_source(path):
    for cell, alt in shows(path):
        assert isinstance(alt, ast.Constant), f"{cell}: alt is not a plain string"
        assert alt.value.endswith("."), f"{cell}: {alt.value!r} is no sentence"


def test_no_two_pictures_have_the_same_description():
    alts = [alt.value for path in CHAPTERS for _, alt in shows(path)]
    assert len(set(alts)) == len(alts)


# --- the chapters as they ran


@pytest.mark.book
def test_no_chapter_costs_more_than_one_and_a_half_times_its_budget(executed):
    over = {c.path.name: c.cost["cpu_s"] for c in executed if c.cost["cpu_s"] > 1.5 * BUDGETS.get(c.path.name[:2], 60)}
    assert over == {}


def outputs(executed):
    """Every output of every chapter: (chapter and cell, output)."""
    for chapter in executed:
        for cell in chapter.executed.cells:
            for output in cell.get("outputs", []):
                yield f"{chapter.path.name} {cell.id}", output


@pytest.mark.book
def test_every_code_cell_ran_and_none_left_an_error_or_a_warning(executed):
    for chapter in executed:
        assert all(cell.execution_count for cell in chapter.executed.cells if cell.cell_type == "code")
    assert [where for where, o in outputs(executed) if o.output_type == "error" or o.get("name") == "stderr"] == []


@pytest.mark.book
def test_every_claim_held(executed):
    assert [where for where, o in outputs(executed) if "DOES NOT HOLD" in o.get("text", "")] == []


@pytest.mark.book
def test_one_picture_a_cell_and_each_described(executed):
    pictures = [(where, o) for where, o in outputs(executed) if any(t.startswith("image/") for t in o.get("data", {}))]
    places = [where for where, _ in pictures]
    assert len(set(places)) == len(places), "the second picture of a cell would get the first one's alt"
    alts = [o.metadata.get("image/png", {}).get("alt", "") for _, o in pictures]
    assert [where for where, alt in zip(places, alts) if len(alt.split()) < 5] == []
    assert len(set(alts)) == len(alts)


@pytest.mark.book
def test_no_output_is_a_wall_of_text(executed):
    assert {where: len(o.text) for where, o in outputs(executed) if "text" in o and len(o.text.splitlines()) > 40} == {}


@pytest.mark.book
def test_no_output_names_a_folder_of_the_machine_that_built_it(executed):
    texts = [(where, str(o.get("text", "")) + str(o.get("data", {}).get("text/html", ""))) for where, o in outputs(executed)]
    assert [where for where, text in texts if str(ROOT) in html.unescape(text) or str(Path.home()) + "/" in text] == []
