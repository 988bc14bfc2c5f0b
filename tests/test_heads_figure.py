"""The page translates as the rounded transformer does in Python, shows the weights of all its heads, and says them in words."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import CUT, OVERLAPS
from torch import nn

from utils.data.text import Vocabulary
from utils.decoding import greedy
from utils.figures import embed as embedding
from utils.figures.head_viewer import HEAVIEST, LONGEST, STEPS, export, head_viewer, rounded
from utils.seq2seq import shift
from utils.transformer import Transformer

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

ENGLISH = ["i", "love", "you", "look", "it", "up", "the", "zone", "of", "international", "control"]
ODD = ["<b>&amp;", "don't", "constructor", "x" * 40, "日本"]
SOURCE = Vocabulary(["<end>", *ENGLISH, *ODD])
TARGET = Vocabulary(["<start>", "<end>", "je", "t'", "aime", "<i>&", "zone", "contrôle", "y" * 40, "toString", "«", "la"])
EXAMPLES = ["i love you", "look it up", "the zone of international control"]
VOCABULARIES = len(SOURCE), len(TARGET)
KINDS = ["encoder", "decoder", "cross"]
LAYERS, HEADS = 2, 3


def transformer(size=12, end_bias=0.5, seed=0, vocabularies=VOCABULARIES, **options):
    """Seeded and untrained; enlarged queries and keys make the heads choose; `end_bias` makes translations shorter."""
    torch.manual_seed(seed)
    options = {"heads": HEADS, "layers": LAYERS, "hidden": 10} | options
    model = Transformer(*vocabularies, size, start=0, end=1, **options).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:  # biases and norms are nobody's default
                parameter += 0.3 * torch.randn_like(parameter)
            if "W_q" in name or "W_k" in name:
                parameter *= 2
        model.readout.bias[1] += end_bias
    return model


@pytest.fixture(scope="module")
def model():
    return transformer(end_bias=3.0, seed=8)


@torch.no_grad()
def expected(model, sentence):
    """The translation by the book's own search, and by teacher forcing on it, in one pass, the weights of each kind."""
    source = SOURCE.encode(sentence.split())[None]
    lengths = torch.tensor([source.shape[1]])
    state, start = model.begin(source, lengths)
    found = greedy(model.step, state, start, STEPS, model.end)
    target = found.sequences[:, : found.lengths[0]]
    looks = model.read(shift(target, start), state)[2]
    own = model.encoder(model.embed(model.source_words, source))[2]
    weights = {
        "encoder": [block.own[0] for block in own],
        "decoder": [block.own[0] for block in looks],
        "cross": [block.source[0] for block in looks],
    }
    return TARGET.decode(target[0]), {kind: torch.stack(layers).numpy() for kind, layers in weights.items()}


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def sentences(count, seed=0):
    """Random sentences of the words that can be typed, one of each length and then some."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice([*ENGLISH, *ODD], 1 + i % LONGEST)) for i in range(count)]


def choose(page, kind=None, layer=None, head=None):
    for name, value in (("kinds", kind if kind is None else KINDS.index(kind)), ("layers", layer), ("heads", head)):
        if value is not None:
            page.locator(f".{name} input").nth(value).check(force=True)


def cell(page, part, r, c):
    return page.locator(f"[data-part={part}] [data-r='{r}'] [data-c='{c}']")


def field(page):
    return page.get_by_label("Your sentence")


def where(page):
    return page.locator(".where").inner_text()


def short(weight):
    return f"{weight:.2f}".removeprefix("0")


def spoken(words):
    return [{"<start>": "start", "<end>": "end"}.get(word, word) for word in words]


# --- the numbers


def assert_same(state, model, sentence):
    words, weights = expected(model, sentence)
    assert state["sentence"] == sentence.split()
    assert state["translation"] == words
    for kind in KINDS:
        got = np.array(state["weights"][kind])
        assert got.shape == weights[kind].shape, kind
        np.testing.assert_allclose(got, weights[kind], rtol=0, atol=1e-6, err_msg=kind)  # sinusoids are float32
    return words, weights


def test_page_computes_what_python_computes(opened, model):
    page, exact = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES)), rounded(model).double()
    lengths, chooses = set(), []
    for sentence in [*EXAMPLES, *sentences(25)]:
        field(page).fill(sentence)
        words, weights = assert_same(page_state(page), exact, sentence)
        lengths.add(len(words))
        for kind in KINDS:
            assert np.allclose(weights[kind].sum(-1), 1)
        chooses.append(weights["cross"].max(-1).mean() - 1 / weights["cross"].shape[-1])
    assert min(lengths) < 10 < STEPS == max(lengths)  # some ended, some were cut
    assert np.mean(chooses) > 0.2  # the comparison is not of averages


@pytest.mark.parametrize(("size", "options"), [(2, {"heads": 1, "layers": 1, "hidden": 1}), (16, {"heads": 8, "layers": 3})])
def test_any_sizes(opened, size, options):
    model = transformer(size, seed=3, **options)
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES[::-1]))
    _, weights = assert_same(page_state(page), rounded(model).double(), EXAMPLES[-1])
    assert weights["cross"].shape[:2] == (options["layers"], options["heads"])
    assert page.locator(".small").count() == options["heads"]
    assert page.locator(".layers input").count() == options["layers"]


def test_page_carries_the_rounded_weights_once(model):
    """A byte less 128 times its row's scale, in float32; the readout's matrix is that of the target words."""
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    near = dict(rounded(model).named_parameters())
    weights = export(model)["weights"]
    assert weights.keys() == near.keys() == before.keys() - {"readout.weight"}
    for name, part in weights.items():
        if isinstance(part, dict):
            part = (part["levels"].astype(np.float32) - 128) * part["scales"][:, None]
        np.testing.assert_array_equal(part, near[name].detach().numpy())
        largest = before[name].abs().amax(-1, keepdim=True)
        assert (near[name] - before[name]).abs().le(largest / 254 * 1.0001 if near[name].ndim == 2 else 0).all(), name
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())  # the model itself stays


def test_size_of_the_html():
    """A model as large as the figure takes: nearly 350,000 parameters."""
    source, target = (Vocabulary(f"{side}{i}" for i in range(size)) for side, size in (("s", 900), ("t", 550)))
    model = transformer(72, vocabularies=(900, 550), heads=4, hidden=200)
    assert 0.97 * HEAVIEST < sum(parameter.numel() for parameter in model.parameters()) <= HEAVIEST
    assert len(head_viewer(model, source, target, ["s1 s2"])._repr_html_().encode()) < 600_000


def test_html_names_no_host(model):
    figure = head_viewer(model, SOURCE, TARGET, EXAMPLES)
    assert "http" not in re.sub(r'"base64": "[^"]*"', "", figure._repr_html_())


# --- the drawing

DRAWN = """(all) => all.map((each) => ({
    rows: [...each.querySelectorAll("[role=rowheader]")].map((e) => e.textContent),
    columns: [...each.querySelectorAll("[role=columnheader]")].map((e) => e.textContent),
    tints: [...each.querySelectorAll("[data-r]")].map((r) => [...r.querySelectorAll("i")].map(
        (e) => e.classList.contains("high") && Number(e.style.getPropertyValue("--tint")))),
    shown: [...each.querySelectorAll("[data-r]")].map((r) => [...r.querySelectorAll("i")].map((e) => e.textContent)),
    hidden: [...each.querySelectorAll("[data-r]")].map((r) => [...r.querySelectorAll("i")].map(
        (e) => e.hasAttribute("data-hidden"))),
}))"""


@pytest.mark.parametrize("kind", KINDS)
def test_drawing_says_the_same_as_the_numbers(opened, model, kind):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    for sentence in (EXAMPLES[2], sentences(12)[-1]):
        field(page).fill(sentence)
        words, weights = expected(rounded(model).double(), sentence)
        rows = sentence.split() if kind == "encoder" else spoken(words)
        columns = ["start", *spoken(words)[:-1]] if kind == "decoder" else sentence.split()
        for layer, head in ((0, 1), (1, 2)):
            choose(page, kind, layer, head)
            drawn = page.locator(".small .matrix, .large .matrix").evaluate_all(DRAWN)
            for got, right in zip(drawn, [*weights[kind][layer], weights[kind][layer, head]], strict=True):
                assert (got["rows"], got["columns"]) == (rows, columns)
                np.testing.assert_allclose(got["tints"], right, rtol=0, atol=0.000501)
                ahead = np.triu(np.ones_like(right), 1) > 0
                assert got["hidden"] == (ahead if kind == "decoder" else np.zeros_like(ahead)).tolist()
            numbers = [[short(weight).replace(".00", "") if weight >= 0.005 else "" for weight in row] for row in right]
            assert drawn[-1]["shown"] == numbers
            page.locator(".folded-table").evaluate("(e) => { e.open = true; }")
            cells = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
            table = page.locator("tr").evaluate_all(cells)
            assert table[0] == ["", *columns]
            assert [row[0] for row in table[1:]] == rows
            np.testing.assert_allclose([[float(x) for x in row[1:]] for row in table[1:]], right, atol=0.000501)


@pytest.mark.parametrize("width", [320, 360, 580, 800, 1200])
def test_fits_the_window(opened, width):
    model = transformer(16, heads=4, seed=1)
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), viewport={"width": width, "height": 800})
    page.locator("summary").evaluate_all("(all) => all.forEach((e) => { e.parentElement.open = true; })")
    for sentence in (EXAMPLES[2], " ".join((["x" * 40, "constructor", "international"] * 7)[:LONGEST])):
        field(page).fill(sentence)
        for kind in KINDS:
            choose(page, kind)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator(".matrix").evaluate_all(OVERLAPS) == 0
            assert page.locator(".large [data-c]").evaluate_all(CUT) == []


# --- operated


def test_untouched_figure_speaks(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    words, weights = expected(rounded(model).double(), EXAMPLES[0])
    state = page_state(page)
    assert (state["sentence"], state["kind"], state["layer"], state["head"]) == (EXAMPLES[0].split(), "cross", LAYERS - 1, 0)
    best = int(weights["cross"][-1, 0, 0].argmax())
    assert state["here"] == {"part": "large", "r": 0, "c": best}
    assert where(page).startswith(f"Head 1: {spoken(words)[0]} → {EXAMPLES[0].split()[best]} ")
    assert page.locator(".said").inner_text() == f"It writes: “{' '.join(words[:-1])}”."


def test_words_say_what_the_pointer_is_at(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 1400})
    field(page).fill(EXAMPLES[2])
    words, weights = expected(rounded(model).double(), EXAMPLES[2])
    choose(page, "encoder", 0, 1)
    source, right = EXAMPLES[2].split(), weights["encoder"][0]
    gaps = np.abs(right - np.roll(right, 1, 0)).min(0)
    r, c = np.unravel_index(gaps.argmax(), gaps.shape)  # no two heads weigh this pair alike
    first, second, third = (short(weight) for weight in right[:, r, c])
    assert len({first, second, third}) == 3
    cell(page, "head-2", r, c).hover()
    order = [j for j in np.argsort(-right[2, r], kind="stable") if right[2, r, j] >= 0.005]
    row = ", ".join(f"{source[j]} {short(right[2, r, j])}" for j in order[:4]) + ", less for the others" * (len(order) > 4)
    said = f"Head 3: {source[r]} → {source[c]} {third} (the other heads {first}, {second}). Its row: {row}."
    assert where(page) == said
    assert page.locator("[data-here]").count() == 1
    assert page.locator("[data-same]").count() == HEADS + 1  # and in all matrices the same pair of words
    cell(page, "large", 0, 4).hover()
    assert where(page).startswith(f"Head 2: the → control {short(right[1, 0, 4])} (")
    choose(page, "decoder")
    cell(page, "large", 0, 1).hover()
    assert where(page) == f"Head 2: {spoken(words)[0]} → {spoken(words)[0]} not written yet: it weighs 0."


def test_a_head_is_enlarged(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 700})

    def enlarged():
        label = page.locator(".large [role=grid]").get_attribute("aria-label")
        checked = page.locator(".heads input").evaluate_all("(all) => all.findIndex((e) => e.checked)")
        assert label.startswith(f"Head {checked + 1}, ")
        assert page_state(page)["head"] == checked
        return checked

    assert enlarged() == 0
    cell(page, "head-2", 1, 1).click()
    assert enlarged() == 2
    assert page_state(page)["here"] == {"part": "head-2", "r": 1, "c": 1}
    cell(page, "head-1", 1, 1).focus()
    assert enlarged() == 2
    for key, head in (("Enter", 1), ("Tab", 1), (" ", 2)):
        before = page.evaluate("scrollY")
        page.keyboard.press(key)
        assert enlarged() == head
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == before  # the space is the figure's, not the page's
    choose(page, "encoder", 0)
    assert enlarged() == 2
    cell(page, "large", 0, 1).click()
    assert enlarged() == 2


def test_choices_keep_the_row(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    cell(page, "large", 1, 0).focus()
    for kind, layer in (("encoder", 1), ("encoder", 0), ("decoder", 0)):
        choose(page, kind, layer)
        here, row = page_state(page)["here"], page_state(page)["weights"][kind][layer][0][1]
        assert here == {"part": "large", "r": 1, "c": int(np.argmax(row))}
    field(page).fill("you")
    choose(page, "encoder")
    assert page_state(page)["here"] == {"part": "large", "r": 0, "c": 0}


def test_keyboard(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 500})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Your sentence"
    for _ in range(len(EXAMPLES) + 1):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page_state(page)["kind"] == "decoder"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page_state(page)["layer"] == 0
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page_state(page)["head"] == 1
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Shift+Tab")
    focused = "document.activeElement.closest('[data-part]').dataset.part"
    assert page.evaluate(focused) == "head-0"  # that of the first head stands before the radio button of the second
    page.keyboard.press("Tab")
    for part in ("head-1", "head-2", "large"):
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == part
        assert page.locator(f"[data-part={part}] [tabindex='0']").count() == 1
        assert page_state(page)["here"]["part"] == part
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    scrolled = page.evaluate("scrollY")
    for key, r, c in [("ArrowDown", 1, 0), ("ArrowRight", 1, 1), ("ArrowUp", 0, 1), ("ArrowUp", 0, 1), ("Home", 0, 0)]:
        page.keyboard.press(key)
        assert page_state(page)["here"] == {"part": "large", "r": r, "c": c}
        assert page.evaluate("document.activeElement.dataset.c") == str(c)
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == scrolled  # the keys are the figure's, not the page's
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert page.locator(".where").evaluate("(e) => e.getBoundingClientRect().bottom <= innerHeight")  # in sight


def test_sentences(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    field(page).fill("Look, it zzz")
    assert page_state(page)["unknown"] == ["zzz"]
    assert page_state(page)["sentence"] == EXAMPLES[0].split()
    field(page).fill("Look it, you!")
    assert page_state(page)["sentence"] == ["look", "it", "you"]
    field(page).fill("you " * (LONGEST + 1))
    assert f"it can be {LONGEST} long" in page.locator(".advice").inner_text()
    page.get_by_role("button", name=EXAMPLES[1]).click()
    assert page_state(page)["sentence"] == EXAMPLES[1].split()


def test_a_translation_without_words(opened):
    page = opened(head_viewer(transformer(end_bias=100.0), SOURCE, TARGET, EXAMPLES))
    assert page.locator(".said").inner_text() == "It writes nothing but the end."
    choose(page, "decoder")
    assert where(page).endswith("Its row: start 1.00.")
    assert where(page).startswith("Head 1: end → start 1.00 ")


def test_an_unfinished_translation_says_so(opened):
    page = opened(head_viewer(transformer(end_bias=-100.0), SOURCE, TARGET, EXAMPLES))
    assert len(page_state(page)["translation"]) == STEPS
    assert page.locator(".said").inner_text().endswith(f"”. No end came in {STEPS} words: here it was cut.")


def test_to_those_who_listen(opened, model):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    choose(page, "decoder", 1, 2)
    state = page_state(page)
    T = len(state["translation"])
    names = page.get_by_role("grid").evaluate_all("(all) => all.map((e) => e.getAttribute('aria-label'))")
    assert names == [f"Head {h}, {T} by {T}" for h in (1, 2, 3, 3)]
    first, second = spoken(state["translation"])[:2]
    weight = state["weights"]["decoder"][1][2][1][0]
    assert cell(page, "large", 1, 0).get_attribute("aria-label") == f"{second} → start {short(weight)}"
    assert cell(page, "head-2", 0, 1).get_attribute("aria-label") == f"{first} → {first} not written yet"
    assert page.locator("[aria-live=polite]").count() == 1
    legends = page.locator("legend").all_inner_texts()
    assert legends == ["Attention", "Layer", "Heads, one of them enlarged below"]


def test_without_html_the_description_stands(model):
    text = repr(head_viewer(model, SOURCE, TARGET, EXAMPLES))
    assert text.startswith("Interactive figure: Every head at once. A transformer that knows 16 words translates")
    assert f"one of {LAYERS} layers" in text and f"its {HEADS} heads" in text


# --- in a page


def test_two_figures_share_nothing(opened, model):
    figure = head_viewer(model, SOURCE, TARGET, EXAMPLES)
    page = opened(figure, figure)
    page.locator("figure").nth(1).locator(".heads input").nth(2).check(force=True)
    page.locator("figure").nth(1).locator(".layers input").nth(0).check(force=True)
    assert [(page_state(page, i)["head"], page_state(page, i)["layer"]) for i in (0, 1)] == [(0, 1), (2, 0)]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) == 4
    folder = Path(embedding.__file__).parent
    files = ("head_viewer", "sentence", "matrices", "controls", "blocks")
    source = "\n".join((folder / f"{name}.js").read_text() for name in files)
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"translate", "KINDS", "radios", "table_of", "block"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const all = (selector) => [...document.querySelectorAll(selector)], surface = ground(document.querySelector("figure"));
    const words = all("p, span, label, legend, b, th, td, summary, button, input[type=text]");
    return {
        surface: light(surface),
        words: Math.min(...words.filter((e) => e.checkVisibility()).map((e) => contrast(getComputedStyle(e).color, ground(e)))),
        outline: contrast(getComputedStyle(document.querySelector("[data-here]")).outlineColor, surface),
        same: contrast(getComputedStyle(document.querySelector("[data-same]:not([data-here])")).outlineColor, surface),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, model, system, says):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    page.locator(".large [data-c]").evaluate_all("(all) => all.forEach((e) => e.style.setProperty('--tint', 1))")
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["outline"] >= 3
    assert got["same"] >= 3


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, model, motion, still):
    page = opened(head_viewer(model, SOURCE, TARGET, EXAMPLES), reduced_motion=motion)
    durations = page.locator("[data-c]").evaluate_all("(all) => all.map((e) => getComputedStyle(e).transitionDuration)")
    assert (set(durations) == {"0s"}) == still


# --- refusals


def test_state_is_json(model):
    state = json.loads(head_viewer(model, SOURCE, TARGET, EXAMPLES).state)
    assert state["words"] == [*ENGLISH, *ODD]
    assert (state["start"], state["end"], state["longest"], state["steps"]) == (0, 1, LONGEST, STEPS)
    assert state["encoder"] == state["decoder"] == {"layers": LAYERS, "heads": HEADS, "activation": "relu"}
    assert len(base64.b64decode(state["weights"]["decoder.blocks.1.cross.W_q.weight"]["levels"]["base64"])) == 12 * 12


def infinite():
    model = transformer()
    with torch.no_grad():
        model.decoder.norm.bias[2] = torch.inf
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Linear(2, 2), TypeError, "model is of type Linear; expected a Transformer"),
        (transformer(norm_first=False), ValueError, "expected norm_first=True"),
        (infinite(), ValueError, "model holds a NaN or an infinity"),
        (transformer(hidden=8000), ValueError, f"parameters; expected at most {HEAVIEST}"),
        (transformer(vocabularies=(5, len(TARGET))), ValueError, f"source has {len(SOURCE)} tokens; expected 5"),
        (transformer(vocabularies=(len(SOURCE), 5)), ValueError, f"target has {len(TARGET)} tokens; expected 5"),
    ],
)
def test_refuses_another_model(model, error, message):
    with pytest.raises(error, match=re.escape(message)):
        head_viewer(model, SOURCE, TARGET, EXAMPLES)


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ("i love you", TypeError, "examples is 'i love you'; expected a list of sentences"),
        ([], ValueError, "examples is empty; expected at least one sentence"),
        (["i " * 21], ValueError, "of 21 words; expected 1 to 20"),
        (["i hate you"], ValueError, "examples holds 'i hate you', and 'hate' is not in the source vocabulary"),
    ],
)
def test_refuses_other_examples(model, examples, error, message):
    with pytest.raises(error, match=re.escape(message)):
        head_viewer(model, SOURCE, TARGET, examples)
