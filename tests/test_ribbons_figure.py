"""The page translates as the rounded model does in Python, draws what it computed, and says it in words."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import OVERLAPS
from torch import nn

from utils.attention.additive import AdditiveAttention
from utils.attention.core import Attention
from utils.attention.translator import AttentionTranslator
from utils.data.text import Vocabulary
from utils.decoding import greedy
from utils.figures import embed as embedding
from utils.figures.ribbons import HEAVIEST, LONGEST, STEPS, export, ribbons, rounded

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

ENGLISH = ["i", "love", "you", "look", "it", "up", "the", "zone", "of", "international", "control", "lover", "loved", "glove"]
ODD = ["Paris", "<b>&amp;", "don't", "l’été", "constructor", "__proto__", "x" * 40, "日本", "?"]
SOURCE = Vocabulary(["<end>", *ENGLISH, *ODD])
TARGET = Vocabulary(["<start>", "<end>", "je", "t'", "aime", "<i>&", "zone", "contrôle", "y" * 40, "toString", "«", "la"])
EXAMPLES = ["i love you", "look it up", "the zone of international control"]


VOCABULARIES = len(SOURCE), len(TARGET)


def translator(enlarge=3.0, sizes=(3, 4, 5), end_bias=0.0, seed=0, vocabularies=VOCABULARIES, **options):
    """Seeded and untrained; enlarged weights make the attention choose; `end_bias` makes translations shorter."""
    torch.manual_seed(seed)
    D, H, hidden = sizes
    attention = options.pop("attention", AdditiveAttention(H, 2 * H, hidden))
    model = AttentionTranslator(*vocabularies, D, H, attention, start=0, end=1, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= enlarge
        model.readout.bias[1] += end_bias
        if isinstance(attention, AdditiveAttention):
            attention.v.weight *= 3
    return model


@pytest.fixture(scope="module")
def model():
    return translator(end_bias=2.0, seed=35)


@torch.no_grad()
def expected(model, sentence):
    """The translation by the book's own search, with all log probabilities (T, V) and weights (T, S)."""
    source = SOURCE.encode(sentence.split())[None]
    lengths = torch.tensor([source.shape[1]])
    found = greedy(model.step, *model.begin(source, lengths), STEPS, model.end)
    target = found.sequences[:, : found.lengths[0]]
    log_p = model(source, lengths, target).log_softmax(-1)
    return TARGET.decode(target[0]), log_p[0].numpy(), model.alignments(source, lengths, target, found.lengths)[0].numpy()


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def numbers_of(page):
    found = page_state(page)["found"]
    return np.array([step["log_p"] for step in found]), np.array([step["weights"] for step in found])


def sentences(count, seed=0):
    """Random sentences of the words that can be typed, one of each length and then some."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice([*ENGLISH, *ODD], 1 + i % LONGEST)) for i in range(count)]


def field(page):
    return page.get_by_label("Your sentence")


def said(page):
    return page.locator(".said").inner_text()


def advice(page):
    return " ".join(page.locator(".advice").inner_text().split())


def step(page, name):
    page.get_by_role("button", name=name, exact=True).click(force=True)  # a dimmed one too


# --- the numbers


def test_page_computes_what_python_computes(opened, model):
    page, exact = opened(ribbons(model, SOURCE, TARGET, EXAMPLES)), rounded(model).double()
    lengths, largest = set(), []
    for sentence in [*EXAMPLES, *sentences(30)]:
        field(page).fill(sentence)
        words, log_p, weights = expected(exact, sentence)
        state, (got_log_p, got_weights) = page_state(page), numbers_of(page)
        assert state["sentence"] == sentence.split()
        assert state["translation"] == words
        np.testing.assert_allclose(got_log_p, log_p, rtol=0, atol=1e-9)
        np.testing.assert_allclose(got_weights, weights, rtol=0, atol=1e-9)
        lengths.add(len(words))
        largest += list(weights.max(1) - 1 / weights.shape[1])
    assert min(lengths) < 5 < STEPS == max(lengths)  # some ended, some were cut
    assert np.mean(largest) > 0.2  # the attention chooses: the comparison is not of averages


@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 3, 2), (2, 6, 9)])
@pytest.mark.parametrize("word_in_query", [False, True])
def test_any_sizes(opened, sizes, word_in_query):
    D, H, hidden = sizes
    torch.manual_seed(0)
    attention = AdditiveAttention(H + D * word_in_query, 2 * H, hidden)
    model = translator(sizes=sizes, seed=1, attention=attention, word_in_query=word_in_query)
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES[::-1]))
    words, log_p, weights = expected(rounded(model).double(), EXAMPLES[-1])
    assert page_state(page)["translation"] == words
    np.testing.assert_allclose(numbers_of(page)[0], log_p, rtol=0, atol=1e-9)
    np.testing.assert_allclose(numbers_of(page)[1], weights, rtol=0, atol=1e-9)


def test_large_scores_do_not_overflow(opened):
    model = translator()
    with torch.no_grad():
        model.attention.v.weight *= 2000
        model.readout.weight *= 2000
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    _, log_p, weights = expected(rounded(model).double(), EXAMPLES[0])
    assert log_p.min() < -750  # exp of it is 0
    np.testing.assert_allclose(numbers_of(page)[0], log_p, rtol=1e-9)
    np.testing.assert_allclose(numbers_of(page)[1], weights, rtol=0, atol=1e-9)


def test_rounding_is_as_small_as_stated():
    model = translator()
    with torch.no_grad():
        model.source_words.weight[3] = 0
    before, near = {name: weight.clone() for name, weight in model.state_dict().items()}, rounded(model).state_dict()
    changed = 0
    for name, weight in before.items():
        assert torch.equal(model.state_dict()[name], weight)  # the model itself stays
        rows = weight.mT if name.startswith("decoder.W") else weight
        largest = rows.abs().amax(-1, keepdim=True)
        error = (near[name] - weight).abs()
        error = error.mT if name.startswith("decoder.W") else error
        assert (error <= (largest / 254 * 1.0001 if weight.ndim == 2 else 0)).all(), name
        changed += (error > 0).sum()
    assert changed > 100
    assert not near["source_words.weight"][3].any()


def test_page_carries_the_rounded_weights(model):
    """A byte less 128 times its row's scale, in float32."""
    near = rounded(model).state_dict()
    weights = export(model)["weights"]
    assert weights.keys() == near.keys()
    for name, part in weights.items():
        if isinstance(part, dict):
            rows = (part["levels"].astype(np.float32) - 128) * part["scales"][:, None]
            part = rows.T if name.startswith("decoder.W") else rows
        np.testing.assert_array_equal(part, near[name].numpy())


def test_size_of_the_html():
    """A model as large as the figure takes: nearly 400,000 parameters."""
    source, target = (Vocabulary(f"{side}{i}" for i in range(size)) for side, size in (("s", 250), ("t", 400)))
    model = translator(sizes=(64, 98, 98), vocabularies=(250, 400))
    assert 0.98 * HEAVIEST < sum(parameter.numel() for parameter in model.parameters()) <= HEAVIEST
    figure = ribbons(model, source, target, ["s1 s2"])
    assert len(figure._repr_html_().encode()) < 620_000


def test_model_that_is_too_large_for_a_page():
    model = translator(sizes=(64, 128, 128))
    with pytest.raises(ValueError, match="parameters; expected at most 400000"):
        ribbons(model, SOURCE, TARGET, EXAMPLES)


def test_html_names_no_host():
    figure = ribbons(translator(), SOURCE, TARGET, EXAMPLES)
    assert "http" not in re.sub(r'"base64": "[^"]*"', "", figure._repr_html_())


# --- the drawing


def test_drawing_says_the_same_as_the_numbers(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    for sentence in (*EXAMPLES, sentences(12)[-1]):
        field(page).fill(sentence)
        _, weights = numbers_of(page)
        widths = page.locator(".bands path").evaluate_all(
            "(all) => all.map((e) => [e.dataset.i, parseFloat(getComputedStyle(e).strokeWidth)])"
        )
        assert [int(i) for i, _ in widths] == list(np.repeat(np.arange(len(weights)), weights.shape[1]))
        widths = np.reshape([width for _, width in widths], weights.shape)
        thick = widths[0].sum()  # of all ribbons of a word together
        assert 11.9 <= thick <= 22.1
        np.testing.assert_allclose(widths, weights * thick, atol=0.02 * thick)
        for i in (0, len(weights) - 1):
            page.get_by_role("option").nth(i).focus()
            shown = page.locator(".number").evaluate_all("(all) => all.map((e) => e.textContent)")
            np.testing.assert_allclose([float(x) for x in shown], weights[i], atol=0.00501)
            tints = page.locator(".sources g").evaluate_all("(all) => all.map((e) => e.style.getPropertyValue('--weight'))")
            np.testing.assert_allclose([float(x) for x in tints], weights[i], atol=0.000501)
            assert page.locator(".bands [data-here]").count() == weights.shape[1]
            assert page.locator(f".bands [data-here][data-i='{i}']").count() == weights.shape[1]


ENDS = """([...figures]) => figures.map((figure) => {
    const box = (e) => { const b = e.getBBox(); return [b.x, b.y, b.width, b.height]; };
    const point = (path, at) => { const p = path.getPointAtLength(at * path.getTotalLength()); return [p.x, p.y]; };
    return {
        sources: [...figure.querySelectorAll(".sources rect")].map(box),
        targets: [...figure.querySelectorAll(".targets rect")].map(box),
        ends: [...figure.querySelectorAll(".bands path")].map((path) => [point(path, 0), point(path, 1)]),
    };
})[0]"""


@pytest.mark.parametrize(("width", "upright"), [(1000, False), (360, True)])
def test_a_ribbon_leads_from_its_word_to_its_word(opened, model, width, upright):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), viewport={"width": width, "height": 800})
    field(page).fill("the zone of international control loved you")
    drawn = page.locator("figure").evaluate_all(ENDS)
    along, across = (1, 0) if upright else (0, 1)
    S = len(drawn["sources"])
    assert len(drawn["ends"]) == S * len(drawn["targets"])
    for k, (start, stop) in enumerate(drawn["ends"]):
        source, target = drawn["sources"][k % S], drawn["targets"][k // S]
        assert start[across] == pytest.approx(source[across] + source[2 + across], abs=0.1)
        assert stop[across] == pytest.approx(target[across], abs=0.1)
        for end, box in ((start, source), (stop, target)):
            assert box[along] <= end[along] <= box[along] + box[2 + along]


@pytest.mark.parametrize("width", [320, 360, 700, 1000])
def test_fits_the_window_and_no_box_overlaps(opened, model, width):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), viewport={"width": width, "height": 800})
    inside = """(groups) => groups.filter((g) => {
        const [box, text] = [g.querySelector("rect"), g.querySelector("text")].map((e) => e.getBoundingClientRect());
        return text.left < box.left || text.right > box.right || text.top < box.top || text.bottom > box.bottom;
    }).length"""
    outside = """(parts, { x, y, width, height }) => parts.map((part) => part.getBoundingClientRect())
        .filter((b) => b.width && (b.left < x || b.right > x + width || b.top < y || b.bottom > y + height)).length"""
    long = " ".join(["x" * 40, "constructor", "international"] * 7).split()[:LONGEST]
    for sentence in (*EXAMPLES, "you", " ".join(long), sentences(20)[-1]):
        field(page).fill(sentence)
        page.get_by_role("option").last.focus()  # its name is bold
        assert page.locator("svg rect, svg .number").evaluate_all(OVERLAPS) == 0
        assert page.locator("svg g:has(> rect)").evaluate_all(inside) == 0
        assert page.locator("figure svg *").evaluate_all(outside, page.locator("svg").bounding_box()) == 0
        field(page).fill(sentence + " " + "unknown" * 30)
        page.locator("summary").evaluate_all("(all) => all.forEach((e) => e.parentElement.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("summary").evaluate_all("(all) => all.forEach((e) => e.parentElement.open = false)")
    page.set_viewport_size({"width": 600, "height": 800})  # a turned phone: drawn anew
    page.wait_for_function("(([svg]) => svg.viewBox.baseVal.width === svg.clientWidth)(document.querySelectorAll('svg'))")


# --- operated


def test_untouched_figure_speaks(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    state = page_state(page)
    assert state["sentence"] == ["i", "love", "you"]
    assert (state["shown"], state["place"]) == (len(state["found"]), 0)
    assert said(page).startswith("Word 1, ")
    assert page.locator(".examples button").all_inner_texts() == EXAMPLES


def test_examples(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    for example in EXAMPLES[::-1]:
        step(page, example)
        assert page_state(page)["sentence"] == example.split()
        assert field(page).input_value() == example


def test_step_by_step(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), reduced_motion="reduce")
    field(page).fill("i love you")
    T = len(page_state(page)["found"])
    assert T > 2
    visible = "(all) => all.filter((e) => getComputedStyle(e).opacity > 0).length"
    steps = [("start", 0), ("back", 0), ("step", 1), ("step", 2), ("back", 1), ("all", T), ("step", T), ("back", T - 1)]
    for name, shown in steps:
        step(page, name)
        state = page_state(page)
        assert (state["shown"], state["place"]) == (shown, shown - 1)
        assert page.locator(".steps b").inner_text() == f"{shown} of {T}"
        assert page.get_by_role("option").count() == shown  # nor does a screen reader hear of the others
        assert page.locator(".bands path").evaluate_all(visible) == 3 * shown
        assert page.locator("tbody tr").count() == shown
        assert said(page).startswith(f"Word {shown}, " if shown else "Nothing is written yet.")
        dimmed = page.locator(".steps button").evaluate_all("(all) => all.map((e) => e.ariaDisabled)")
        assert dimmed == [str(shown == 0).lower()] * 2 + [str(shown == T).lower()] * 2


def test_keyboard(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 400})
    T = len(page_state(page)["found"])
    assert T > 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Your sentence"
    for _ in range(len(EXAMPLES) + 3):
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # back
    assert page_state(page)["shown"] == T - 1
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.role") == "option"
    scrolled = page.evaluate("scrollY")
    moves = [("ArrowLeft", T - 3), ("Home", 0), ("ArrowLeft", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowRight", 1)]
    for key, place in moves:
        page.keyboard.press(key)
        assert (page_state(page)["place"], page_state(page)["shown"]) == (place, T - 1)
        assert page.evaluate("document.activeElement.dataset.i") == str(place)
        assert page.locator("[role=option][tabindex='0']").count() == 1
        assert said(page).startswith(f"Word {place + 1}, ")
    for key in ("End", "ArrowRight"):  # past the last one shown, the next is written
        page.keyboard.press(key)
        assert (page_state(page)["place"], page_state(page)["shown"]) == (T - 1, T)
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == scrolled  # the keys are the figure's, not the page's
    rim = "getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth"
    assert page.evaluate(rim) == "3px"
    for _ in range(2):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_pointer(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 900})
    page.locator(".targets g").nth(2).hover()
    assert page_state(page)["place"] == 2
    page.locator(".targets g").nth(1).click()
    assert page_state(page)["place"] == 1
    page.locator(".bands path").first.hover(force=True)
    assert page_state(page)["place"] == 0


def test_a_resting_mouse_has_no_say_while_the_reader_types(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), viewport={"width": 900, "height": 900})
    box = page.locator(".targets g").nth(2).bounding_box()
    field(page).fill("you")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    field(page).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("i love you")
    page.wait_for_timeout(300)  # time for the browser to tell the new elements that a mouse is over one of them
    assert page_state(page)["place"] == 0


def test_sentences_as_people_type_them(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    for typed, read in [
        ("  Look   IT up! ", ["look", "it", "up"]),
        ("“I love you,” …", ["i", "love", "you"]),
        ("paris love", None),
        ("Paris don’t love don't", ["Paris", "don't", "love", "don't"]),
        ("l’été ? (you?)", ["l’été", "?", "you"]),
        ("constructor __proto__ <b>&amp;", ["constructor", "__proto__", "<b>&amp;"]),
    ]:
        before = page_state(page)["sentence"]
        field(page).fill(typed)
        assert page_state(page)["sentence"] == (before if read is None else read)
        assert field(page).get_attribute("aria-invalid") == str(read is None).lower()


def test_unknown_words_are_named_and_others_offered(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    before = page_state(page)
    field(page).fill("i lovee zzzzzz contrl <end> toString hasOwnProperty")
    state = page_state(page)
    assert state["unknown"] == ["lovee", "zzzzzz", "contrl", "end", "tostring", "hasownproperty"]
    assert {name: state[name] for name in before if name != "unknown"} == {
        name: value for name, value in before.items() if name != "unknown"
    }
    assert advice(page) == (
        "It does not know: “lovee” love lover loved “zzzzzz” “contrl” control and 3 more Below is still “i love you”."
    )
    assert page.get_by_role("textbox").get_attribute("aria-describedby") == page.locator(".advice").get_attribute("id")
    field(page).fill("i lo you lo")
    assert advice(page).startswith("It does not know: “lo” love look lover Below")
    page.get_by_role("button", name="love for lo", exact=True).click()
    assert field(page).input_value() == "i love you love"
    assert page_state(page)["sentence"] == ["i", "love", "you", "love"]
    assert page_state(page)["unknown"] == []
    assert page.evaluate("document.activeElement.type") == "text"
    assert advice(page).startswith(f"Up to {LONGEST} of the {len(ENGLISH) + len(ODD)} words that it knows")


def test_empty_and_long_input(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    for typed, begins in [
        ("", "Type a sentence. Below is still “i love you”."),
        (" … ", "Type a sentence."),
        ("love " * (LONGEST + 1), f"A sentence of {LONGEST + 1} words; it can be {LONGEST} long."),
        ("love" * 5000, "It does not know: “lovelovelovelovelovelov…”"),
        ("nonsense " * 3000, "It does not know: “nonsense”"),
    ]:
        field(page).evaluate("(e, text) => { e.value = text; e.oninput(); }", typed)
        assert advice(page).startswith(begins)
        assert page_state(page)["sentence"] == ["i", "love", "you"]
        assert field(page).get_attribute("aria-invalid") == "true"
    field(page).fill("love " * LONGEST)
    assert len(page_state(page)["sentence"]) == LONGEST


def test_an_unfinished_translation_says_so(opened):
    page = opened(ribbons(translator(end_bias=-100.0), SOURCE, TARGET, EXAMPLES))
    assert len(page_state(page)["found"]) == STEPS
    assert "No end came" not in said(page)
    step(page, "start")
    step(page, "all")
    assert said(page).endswith(f" No end came in {STEPS} words: here it was cut.")


# --- in words


def test_text_alternative(opened, model):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES))
    sentence = "the zone of international control"
    field(page).fill(sentence)
    _, log_p, weights = expected(rounded(model).double(), sentence)
    words = page_state(page)["translation"]
    assert words[-1] == "<end>"
    assert page.get_by_role("group", name=f"Ribbons from “{sentence}” to its translation").count() == 1
    names = page.locator("[role=option]").evaluate_all("(all) => all.map((e) => e.getAttribute('aria-label'))")
    assert names == [*words[:-1], "end"]
    assert page.locator("[aria-live=polite]").count() == 1
    for i in (0, len(words) - 1):
        page.get_by_role("option").nth(i).focus()
        order = np.argsort(-weights[i], kind="stable")
        most = ", ".join(f"{sentence.split()[j]} {weights[i, j]:.3f}" for j in order[:4])
        name = "the end" if i == len(words) - 1 else f"“{words[i]}”"
        p = np.exp(log_p[i].max())
        rest = weights[i, order[4]]
        assert said(page) == (
            f"Word {i + 1}, {name}, chosen with p = {p:.3f}, looks at {most}, the others {rest:.3f} together."
        )
    page.locator("summary").first.click()
    rows = page.locator("tr").evaluate_all("(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")
    assert rows[0] == ["", *sentence.split(), "p"]
    assert [row[0] for row in rows[1:]] == [*words[:-1], "end"]
    for row, weight, scores in zip(rows[1:], weights, log_p, strict=True):
        np.testing.assert_allclose([float(x) for x in row[1:-1]], weight, atol=0.000501)
        assert float(row[-1]) == pytest.approx(np.exp(scores.max()), abs=0.000501)
    assert page.locator(".known").text_content() == " · ".join(sorted([*ENGLISH, *ODD]))


def test_without_html_the_description_stands(model):
    figure = ribbons(model, SOURCE, TARGET, EXAMPLES)
    assert repr(figure).startswith(
        f"Interactive figure: Alignment as ribbons. A translator with attention, which knows {len(ENGLISH) + len(ODD)} words"
    )


# --- in a page


def test_two_figures_share_nothing(opened, model):
    figure = ribbons(model, SOURCE, TARGET, EXAMPLES)
    page = opened(figure, figure)
    field(page).nth(1).fill("look it up")
    assert [" ".join(page_state(page, i)["sentence"]) for i in (0, 1)] == ["i love you", "look it up"]
    page.locator("figure").nth(1).get_by_role("button", name="start").click()
    assert [page_state(page, i)["shown"] > 0 for i in (0, 1)] == [True, False]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) == 4
    source = (Path(embedding.__file__).parent / "ribbons.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"translate", "lay_out", "ribbons"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const style = (e) => getComputedStyle(e), all = (selector) => [...document.querySelectorAll(selector)];
    const surface = style(document.querySelector("figure")).backgroundColor;
    const boxed = all("svg g:has(> rect)").map((g) => contrast(style(g.querySelector("text:not(.number)")).fill,
        style(g.querySelector("rect")).fill));
    return {
        surface: light(surface),
        boxed: Math.min(...boxed),
        words: Math.min(
            ...all("label, p, summary, button, input, th, td, figcaption").map((e) => contrast(style(e).color, surface)),
            ...all(".number").map((e) => contrast(style(e).fill, surface))),
        marks: contrast(style(document.querySelector(".bands [data-here]")).stroke, surface),
        ribbons: new Set(all(".bands path").map((e) => style(e).stroke)).size,
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, model, system, says):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    for place in (0, page.locator("[role=option]").count() - 1):
        page.get_by_role("option").nth(place).focus()
        page.locator(".sources g").first.evaluate("(g) => g.style.setProperty('--weight', 1)")
        got = page.evaluate(CONTRASTS)
        assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
        assert got["boxed"] >= 4.5
        assert got["words"] >= 4.5
        assert got["marks"] >= 3
        assert got["ribbons"] == 2


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, model, motion, still):
    page = opened(ribbons(model, SOURCE, TARGET, EXAMPLES), reduced_motion=motion)
    step(page, "start")
    step(page, "step")
    assert (page.evaluate("document.getAnimations().length") == 0) == still


# --- refusals


class Other(Attention):
    pass


def test_state_is_json(model):
    state = json.loads(ribbons(model, SOURCE, TARGET, EXAMPLES).state)
    assert state["words"] == [*ENGLISH, *ODD]
    assert len(base64.b64decode(state["weights"]["decoder.W_xh"]["levels"]["base64"])) == 3 * 4 * (3 + 8)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Linear(2, 2), TypeError, "model is of type Linear; expected an AttentionTranslator"),
        (translator(attention=None), TypeError, "model.attention is of type NoneType; expected an AdditiveAttention"),
        (translator(attention=Other()), TypeError, "model.attention is of type Other; expected an AdditiveAttention"),
        (
            translator(attention=AdditiveAttention(4, 4, 5), bidirectional=False),
            ValueError,
            "model.encoder reads in one direction; expected both",
        ),
        (translator(torch.inf), ValueError, "model holds a NaN or an infinity"),
        (translator(sizes=(9, 300, 9)), ValueError, "parameters; expected at most 400000"),
        (translator(vocabularies=(5, len(TARGET))), ValueError, f"source has {len(SOURCE)} tokens; expected 5"),
        (translator(vocabularies=(len(SOURCE), 5)), ValueError, f"target has {len(TARGET)} tokens; expected 5"),
    ],
)
def test_refuses_another_model(model, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ribbons(model, SOURCE, TARGET, EXAMPLES)


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ("i love you", TypeError, "examples is 'i love you'; expected a list of sentences"),
        ([["i", "love"]], TypeError, "expected a list of sentences"),
        ([], ValueError, "examples is empty; expected at least one sentence"),
        (["i", " "], ValueError, "examples holds ' ' of 0 words; expected 1 to 20"),
        (["i " * 21], ValueError, "of 21 words; expected 1 to 20"),
        (["i hate you"], ValueError, "examples holds 'i hate you', and 'hate' is not in the source vocabulary"),
        (["i <end>"], ValueError, "'<end>' is not in the source vocabulary"),
    ],
)
def test_refuses_other_examples(model, examples, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ribbons(model, SOURCE, TARGET, examples)
