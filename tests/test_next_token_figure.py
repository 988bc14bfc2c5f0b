"""The page generates as the rounded model and the rules of utils.sampling do, draws what it computed, and says it in words."""

import base64
import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import CUT, OVERLAPS
from torch import nn

from utils.data.text import Vocabulary
from utils.experts import MixtureOfExperts
from utils.figures import embed as embedding
from utils.figures.next_token import HEAVIEST, TYPED, export, next_token, rounded, window
from utils.language_models import GPT
from utils.sampling import keep_nucleus, keep_top_k, with_temperature

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

ALPHABET = Vocabulary("\n \t<>&\"'aAbcdeé日😀_.\u00a0")
V, LONGEST = len(ALPHABET), 9
BEGINNING = "a bad "
HERE = Path(embedding.__file__).parent
FUNCTIONS = "<script>" + "".join((HERE / f"{name}.js").read_text() for name in ("embed", "blocks", "next_token")) + "</script>"


def gpt(vocabulary=V, size=12, *, heads=3, layers=2, longest=LONGEST, enlarge=6.0, seed=0, **options):
    """Seeded and untrained; enlarged weights make it choose, and biases are not 0."""
    torch.manual_seed(seed)
    model = GPT(vocabulary, size, heads=heads, layers=layers, longest=longest, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= enlarge if parameter.ndim > 1 else 1
            parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return gpt()


@pytest.fixture(scope="module")
def exact(model):
    return rounded(model).double()


@pytest.fixture
def page(opened, model):
    return opened(next_token(model, ALPHABET, BEGINNING), viewport={"width": 800, "height": 1000})


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def say(text, page):
    page.get_by_label("The text begins").fill(text)


def press(page, *names):
    for name in names:
        page.get_by_role("button", name=name, exact=True).click(force=True)  # a dimmed one too


def slide(page, temperature=0.8, top_k=V, top_p=0.95):
    for name, value in (("temperature", temperature), ("top-k", top_k), ("nucleus", top_p)):
        page.get_by_role("slider", name=name).fill(str(value))


@torch.no_grad()
def log_p_of(model, text):
    """By the whole of what is read, without a cache."""
    read = text[len(text) - window(len(text), model.longest) :]
    return model(ALPHABET.encode(read)[None])[0][0, -1].log_softmax(-1)


def after_rules(log_p, temperature, top_k, top_p):
    """utils.sampling's p, top_k = V and top_p = 1 ruling out nothing, as in `sample`."""
    return keep_nucleus(keep_top_k(with_temperature(log_p, temperature), top_k), top_p).softmax(-1)


def texts(count, seed=0):
    """Random texts of the characters that it knows, one of each length up to twice and a half of what it can read."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(ALPHABET.tokens, 1 + i % (5 * LONGEST // 2))) for i in range(count)]


def drawn_text(page):
    return "".join(ALPHABET.tokens[token["id"]] for token in page_state(page)["drawn"])


def same(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)


# --- the numbers


def test_page_computes_what_python_computes(page, exact):
    settings = [(0.8, V, 0.95), (0.3, V, 1), (2, 5, 1), (1, 5, 0.6), (1.5, 1, 1), (0.05, V, 0.5), (1, V, 0.01)]
    sharp, sizes = [], set()
    for i, text in enumerate(texts(30)):
        say(text, page)
        slide(page, *settings[i % len(settings)])
        state, log_p = page_state(page), log_p_of(exact, text)
        assert state["text"] == text
        same(state["log_p"], log_p)
        p = after_rules(log_p, *settings[i % len(settings)])
        same(state["p"], p)
        assert [out == "" for out in state["out"]] == (p > 0).tolist()
        sharp.append(log_p.exp().max().item())
        sizes.add(int((p > 0).sum()))
    assert np.mean(sharp) > 2 / V and len(sizes) > 4  # the model chooses, and the rules cut in several ways


@pytest.mark.parametrize("sizes", [{"size": 4, "heads": 1, "layers": 1}, {"size": 10, "heads": 5, "layers": 3, "longest": 7}])
def test_any_sizes(opened, sizes):
    model = gpt(activation=nn.ReLU(), seed=3, **sizes)
    page = opened(next_token(model, ALPHABET, BEGINNING))
    state = page_state(page)
    same(state["log_p"], log_p_of(rounded(model).double(), state["text"]))


def test_what_is_read_of_a_long_text(page, exact):
    assert [window(n, 4) for n in range(1, 10)] == [1, 2, 3, 4, 3, 4, 3, 4, 3]
    assert [window(n, 5) for n in range(1, 10)] == [1, 2, 3, 4, 5, 3, 4, 5, 3]
    assert [window(n, 1) for n in range(1, 4)] == [1, 1, 1]
    read = []
    for text in texts(5 * LONGEST // 2):
        say(text, page)
        state = page_state(page)
        assert state["window"] == text[-window(len(text), LONGEST) :]
        assert page.locator(".text .unread").all_inner_texts() == [text[: -len(state["window"])]]
        assert page.locator(".window").is_visible() == (len(text) > LONGEST)
        same(state["log_p"], log_p_of(exact, text))
        read.append(len(state["window"]))
    assert max(read) == LONGEST and min(read[LONGEST:]) == LONGEST // 2 + 1


def test_keys_and_values_are_kept(page, exact):
    """A token costs one reading, until the window moves; whatever was kept, the numbers are those of a whole reading."""
    before, moved = page_state(page)["window"], 0
    for _ in range(2 * LONGEST):
        press(page, "draw")
        state = page_state(page)
        same(state["log_p"], log_p_of(exact, state["text"]))
        alike = next((i for i, (a, b) in enumerate(zip(before, state["window"])) if a != b), len(before))
        assert state["read"] == len(state["window"]) - alike
        assert (state["read"] == 1) == (len(state["window"]) > len(before))
        moved += state["read"] > 1
        before = state["window"]
    assert moved == 3
    for name in ("back", "back", "another seed", "again", "start"):
        press(page, name)
        state = page_state(page)
        same(state["log_p"], log_p_of(exact, state["text"]))
    for text in ("a bad", "a bad dad", "a bdd dad", "b bdd dad", "bad"):  # as someone types
        say(text, page)
        same(page_state(page)["log_p"], log_p_of(exact, text))


def test_rules_are_those_of_sampling_with_ties_too(opened):
    page, rng = opened(FUNCTIONS), np.random.default_rng(0)
    log_p = torch.from_numpy(rng.integers(-4, 0, (50, 8)) / 2).log_softmax(-1)
    for temperature, top_k, top_p in product((0.5, 1, 3), (1, 2, 4, 8), (0.1, 0.5, 0.9, 1)):
        rules = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        found = page.evaluate("([all, rules]) => all.map((log_p) => reshape(log_p, rules))", [log_p.tolist(), rules])
        for row, each in zip(log_p, found, strict=True):
            p = after_rules(row, temperature, top_k, top_p)
            same(each["p"], p)
            by_k = keep_top_k(row, top_k) == -torch.inf
            assert each["out"] == ["top-k" if k else "the nucleus" if p_i == 0 else "" for k, p_i in zip(by_k, p)]


def test_rules_by_hand(opened):
    """p is 1/2, 1/4, 1/8, 1/8: at half the temperature 16, 4, 1, 1 of 22; of the first three 16, 4, 1 of 21."""
    page, log_p = opened(FUNCTIONS), np.log([1 / 8, 1 / 2, 1 / 8, 1 / 4]).tolist()
    for temperature, top_k, top_p, p, out in [
        (0.5, 3, 1, [1 / 21, 16 / 21, 0, 4 / 21], ["", "", "top-k", ""]),
        (0.5, 3, 0.9, [0, 16 / 20, 0, 4 / 20], ["the nucleus", "", "top-k", ""]),
        (1, 4, 0.5, [0, 1, 0, 0], ["the nucleus", "", "the nucleus", "the nucleus"]),
        (0, 4, 1, [0, 1, 0, 0], ["temperature 0", "", "temperature 0", "temperature 0"]),
    ]:
        rules = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        got = page.evaluate("([log_p, rules]) => reshape(log_p, rules)", [log_p, rules])
        np.testing.assert_allclose(got["p"], p, atol=1e-12)
        assert got["out"] == out


def test_greedy_takes_the_most_probable_and_of_equals_the_smaller_id(page, exact, opened):
    slide(page, temperature=0)
    assert page.locator(".rules b").first.inner_text() == "greedy"
    press(page, "start", "ten more")
    text = BEGINNING
    for _ in range(10):
        text += ALPHABET.tokens[int(log_p_of(exact, text).argmax())]
    assert page_state(page)["text"] == text
    rules = {"temperature": 0, "top_k": 3, "top_p": 1}
    got = opened(FUNCTIONS).evaluate("(rules) => reshape([-2, -1, -1, -3], rules)", rules)
    assert got["p"] == [0, 1, 0, 0]


# --- the draw


def test_chance_is_even_and_neighbouring_seeds_are_strangers(opened):
    page = opened(FUNCTIONS)
    u = np.array(page.evaluate("Array.from({ length: 300 }, (_, s) => Array.from({ length: 300 }, (_, i) => uniform(s, i)))"))
    assert 0 <= u.min() and u.max() < 1
    counts, _ = np.histogram(u, 20, (0, 1))
    assert np.abs(counts - u.size / 20).max() < 5 * np.sqrt(u.size / 20)
    bound = 5 / np.sqrt(u.size)
    for a, b in ((u[1:], u[:-1]), (u[:, 1:], u[:, :-1]), (u[1:, :-1], u[:-1, 1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < bound
    for axis in (0, 1):  # no seed and no place is a favourite
        assert np.abs(u.mean(axis) - 0.5).max() < 5 * np.sqrt(1 / 12 / 300)


def test_a_draw_falls_where_the_probabilities_say(opened):
    page, p = opened(FUNCTIONS), [0, 0.25, 0, 0.5, 0.25, 0]
    us = [0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-32]
    assert [page.evaluate("([p, u]) => pick(p, u)", [p, u]) for u in us] == [1, 1, 3, 3, 4, 4]


def test_same_seed_same_text(page, opened, model):
    first = drawn_text(page)
    assert len(first) == 10  # the untouched figure has drawn
    press(page, "start", *["draw"] * 10)
    assert drawn_text(page) == first
    press(page, "back", "back", "back")
    assert drawn_text(page) == first[:7]
    press(page, "draw", "draw", "draw")
    assert drawn_text(page) == first
    press(page, "another seed")
    other = drawn_text(page)
    assert len(other) == 10 and other != first
    assert page.get_by_label("seed", exact=True).input_value() == "2"
    page.get_by_label("seed", exact=True).fill("1")
    page.keyboard.press("Enter")
    assert drawn_text(page) == first
    assert drawn_text(opened(next_token(model, ALPHABET, BEGINNING))) == first
    page.get_by_label("seed", exact=True).fill("")
    press(page, "again", "draw")
    assert len(drawn_text(page)) == 11


def test_again_draws_under_the_rules_as_they_stand(page):
    before = drawn_text(page)
    slide(page, 2, V, 1)
    assert drawn_text(page) == before  # a rule is for what comes
    press(page, "again")
    after = drawn_text(page)
    assert len(after) == len(before) and after != before
    press(page, "start", "ten more")
    assert drawn_text(page) == after


def test_what_was_drawn_and_its_probabilities(page, opened, exact):
    """Each place has a chance of its own."""
    slide(page, 0.7, 8, 0.9)
    press(page, "again")
    text, functions = BEGINNING, opened(FUNCTIONS)
    for i, token in enumerate(page_state(page)["drawn"]):
        log_p = log_p_of(exact, text)
        p = after_rules(log_p, 0.7, 8, 0.9)
        assert token["before"] == pytest.approx(log_p[token["id"]].exp().item())
        assert token["after"] == pytest.approx(p[token["id"]].item())
        assert token["id"] == functions.evaluate("([p, i]) => pick(p, uniform(1, i))", [p.tolist(), i])
        assert not token["chosen"]
        text += ALPHABET.tokens[token["id"]]


def test_drawn_as_often_as_probable(page):
    """400 seeds draw the first character; each is met about as often as it should."""
    slide(page, 1, V, 1)
    press(page, "start")
    p = np.array(page_state(page)["p"])
    counts = np.zeros(V)
    ids = page.evaluate("""() => {
        const figure = document.querySelector("figure"), [seed] = figure.querySelectorAll("[type=number]");
        const [draw, , , start] = figure.querySelectorAll(".steps button");
        return Array.from({ length: 400 }, (_, k) => {
            seed.value = k;
            start.click();
            draw.click();
            return figure.state.drawn[0].id;
        });
    }""")
    np.add.at(counts, ids, 1)
    assert (np.abs(counts - 400 * p) < 4.5 * np.sqrt(400 * p * (1 - p)) + 1).all()


# --- operated


def test_untouched_figure_speaks(page):
    state = page_state(page)
    assert state["text"].startswith(BEGINNING)
    assert (len(state["drawn"]), state["place"]) == (10, 9)
    assert page.locator(".said").inner_text().startswith(f"Character {len(BEGINNING) + 10}, ")
    assert page.locator(".rules b").all_inner_texts() == ["0.80", f"all {V}", "0.95"]
    assert page.get_by_label("The text begins").input_value() == BEGINNING


def test_taking_a_bar(page, exact):
    press(page, "start")
    slide(page, 1, 3, 1)
    order = log_p_of(exact, BEGINNING).argsort(descending=True, stable=True)
    rows = page.locator(".bars button")
    assert rows.count() == V
    assert rows.evaluate_all("(all) => all.map((e) => Number(e.dataset.id))") == order.tolist()
    rows.nth(4).click()
    (token,) = page_state(page)["drawn"]
    assert (token["id"], token["chosen"], token["after"], token["out"]) == (order[4], True, 0, "top-k")
    assert page.locator(".said").inner_text().startswith(f"Character {len(BEGINNING) + 1}, ")
    assert page.locator(".said").inner_text().endswith(", cut by top-k.")
    assert "was chosen by you" in page.locator(".said").inner_text()
    press(page, "draw", "back", "back")
    assert page_state(page)["drawn"] == []
    assert page.locator(".said").inner_text() == "Nothing is drawn yet."


def test_dimmed_buttons_do_nothing(page):
    dimmed = page.locator(".steps button[aria-disabled=true]")
    assert dimmed.count() == 0
    press(page, "start")
    assert dimmed.all_inner_texts() == ["back", "start", "again"]
    press(page, "back", "start", "again", "another seed")
    assert page_state(page)["text"] == BEGINNING


def test_keyboard(page):
    def focused(what):
        return page.evaluate(f"document.activeElement.{what}")

    page.keyboard.press("Tab")
    assert focused("tagName") == "TEXTAREA"
    page.keyboard.press("Tab")
    assert focused("name") == "temperature"
    page.keyboard.press("ArrowRight")
    assert page_state(page)["rules"]["temperature"] == pytest.approx(0.85)
    page.keyboard.press("Home")
    assert page_state(page)["rules"]["temperature"] == 0
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert len(page_state(page)["drawn"]) == 11
    for _ in range(7):
        page.keyboard.press("Tab")
    assert focused("role") == "option"
    scrolled = page.evaluate("scrollY")
    for key, place in [("ArrowLeft", 9), ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1), ("End", 10), ("ArrowRight", 10)]:
        page.keyboard.press(key)
        assert page_state(page)["place"] == place
        assert focused("dataset.i") == str(place)
        assert page.locator("[role=option][tabindex='0']").count() == 1
        assert page.locator(".said").inner_text().startswith(f"Character {len(BEGINNING) + place + 1}, ")
    page.keyboard.press("Tab")
    rank = "[...document.querySelectorAll('.bars button')].indexOf(document.activeElement)"
    for key, place in [("ArrowUp", 0), ("ArrowDown", 1), ("ArrowDown", 2), ("End", V - 1), ("ArrowDown", V - 1), ("Home", 0)]:
        if key != "ArrowUp":
            page.keyboard.press(key)
        assert page.evaluate(rank) == place
        assert page.locator(".bars [tabindex='0']").count() == 1
    page.keyboard.press("ArrowDown")
    taken = int(focused("dataset.id"))
    page.keyboard.press("Enter")
    state = page_state(page)
    assert (state["drawn"][-1]["id"], state["drawn"][-1]["chosen"]) == (taken, True)
    assert page.evaluate(rank) == 0  # the most probable of the next
    assert page.evaluate("scrollY") == scrolled
    page.keyboard.press("Tab")
    assert focused("tagName") == "BODY"


def test_pointer(page):
    page.locator("[role=option]").nth(2).hover()
    assert page_state(page)["place"] == 2
    page.locator("[role=option]").nth(5).click()
    assert page_state(page)["place"] == 5
    assert page.locator("[data-here]").count() == 1


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("a Zad", "It does not know “Z”. Below, the last text stays."),
        ("xyzxyz", "It does not know “x”, “y”, “z”. Below, the last text stays."),
        ("ß<é👍", "It does not know “ß”, “👍”. Below, the last text stays."),
        ("0123456789", "It does not know “0”, “1”, “2”, “3”, “4”, “5”, “6”, “7” and 2 more. Below, the last text stays."),
        ("", "Type at least one character. Below, the last text stays."),
        ("a" * (TYPED + 1), f"{TYPED + 1} characters; a beginning can have {TYPED}. Below, the last text stays."),
    ],
)
def test_what_cannot_be_read_is_refused(page, typed, advice):
    before = page_state(page)
    say(typed, page)
    assert page.locator(".note").inner_text() == advice
    field = page.get_by_label("The text begins")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("aria-describedby") == page.locator(".note").get_attribute("id")
    after = page_state(page)
    assert {name: after[name] for name in before if name != "unknown"} == {
        name: before[name] for name in before if name != "unknown"
    }
    say("😀" * TYPED, page)  # a character is one, whatever it takes
    assert field.get_attribute("aria-invalid") == "false"
    assert page.locator(".note").inner_text() == f"Up to {TYPED} of the {V} characters that it knows."
    assert page_state(page)["text"] == "😀" * TYPED
    assert page_state(page)["drawn"] == []


# --- the drawing


def test_drawing_says_the_same_as_the_numbers(opened, model):
    page = opened(next_token(model, ALPHABET, BEGINNING), reduced_motion="reduce")
    slide(page, 1.3, 12, 0.8)
    state = page_state(page)
    before, after = np.exp(state["log_p"]), np.array(state["p"])
    ids = page.locator(".bars button").evaluate_all("(all) => all.map((e) => Number(e.dataset.id))")
    widths = page.locator(".bars button").evaluate_all("""(all) => all.map((e) => ["before", "after"].map((kind) =>
        e.querySelector("." + kind).getBoundingClientRect().width / e.querySelector("span").getBoundingClientRect().width))""")
    np.testing.assert_allclose(np.array(widths)[:, 1], after[ids], atol=0.002)
    np.testing.assert_allclose(np.array(widths)[:, 0], before[ids], atol=0.01)
    cut = page.locator(".bars [data-cut]").evaluate_all("(all) => all.map((e) => Number(e.dataset.id))")
    assert cut == [i for i in ids if state["out"][i]]
    assert {state["out"][i] for i in ids} == {"", "top-k", "the nucleus"}
    tints = page.locator("[role=option]").evaluate_all("(all) => all.map((e) => e.style.getPropertyValue('--surprise'))")
    surprises = [min(1, -np.log2(token["before"]) / 8) for token in state["drawn"]]
    np.testing.assert_allclose([float(t) for t in tints], surprises, atol=0.000501)


def shown(p):
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def test_text_alternative(page, exact):
    slide(page, 1, 4, 0.7)
    say("bad", page)
    log_p = log_p_of(exact, "bad")
    before, after = log_p.exp().tolist(), after_rules(log_p, 1, 4, 0.7).tolist()
    order = log_p.argsort(descending=True, stable=True).tolist()
    names = {" ": "space", "\n": "new line", "\t": "tab", "\u00a0": "no-break space"}
    kept, wanted, numbers = sum(p > 0 for p in after), [], []
    for rank, i in enumerate(order):
        name = names.get(ALPHABET.tokens[i], f"“{ALPHABET.tokens[i]}”")
        fate = f"{shown(after[i])} after the rules" if after[i] else f"cut by {'the nucleus' if rank < 4 else 'top-k'}"
        wanted.append(f"{name}: {shown(before[i])} by the model, {fate}")
        numbers.append(f"{shown(before[i])} → {shown(after[i]) if after[i] else 'cut'}")
    rows = page.locator(".bars button")
    assert rows.evaluate_all("(all) => all.map((e) => e.ariaLabel)") == wanted
    assert rows.locator("small").all_inner_texts() == numbers
    lost = shown(sum(b for b, a in zip(before, after) if not a))
    assert 1 < kept < 4
    assert page.locator(".kept").inner_text() == (
        f"{kept} of {V} characters are kept. "
        f"Cut: {V - 4} by top-k, {4 - kept} by the nucleus, together p = {lost} by the model."
    )
    slide(page, 1, V, 1)
    assert page.locator(".kept").inner_text() == f"All {V} characters are kept."
    slide(page, 0, V, 1)
    assert page.locator(".kept").inner_text().startswith(f"1 of {V} characters is kept. Cut: {V - 1} by temperature 0,")
    values = page.locator("[type=range]").evaluate_all("(all) => all.map((e) => e.ariaValueText)")
    assert values == ["greedy", f"all {V}", "1.00"]
    assert page.locator("[aria-live=polite]").count() == 1
    press(page, "draw")
    i = order[0]
    name = names.get(ALPHABET.tokens[i], f"“{ALPHABET.tokens[i]}”")
    assert page.locator(".said").inner_text() == (
        f"Character 4, {name}, was drawn: p = {shown(before[i])} by the model, 1.000 after the rules."
    )
    assert page.get_by_role("option").evaluate_all("(all) => all.map((e) => e.ariaLabel)") == [name.strip()]


def test_without_html_the_description_stands(model):
    assert repr(next_token(model, ALPHABET, "a")).startswith(
        f"Interactive figure: The next token. A language model of {V} characters continues your text."
    )


def test_signs_of_markup_are_shown_as_they_are(page):
    text = "<b>&\"'\n <"
    say(text, page)
    assert page.locator(".text > span").first.text_content() == text
    for sign in '<&"\n \t':
        rows = page.locator(f".bars button[data-id='{ALPHABET.ids[sign]}']")
        assert rows.locator("b").text_content() == {"\n": "⏎", " ": "␣", "\t": "⇥"}.get(sign, sign)
        rows.click()
    assert page.locator("[role=option]").all_text_contents() == ["<", "&", '"', "⏎\n", " ", "\t"]
    assert page_state(page)["text"] == text + '<&"\n \t'


@pytest.mark.parametrize("width", [320, 360, 700, 1000])
def test_fits_the_window_and_nothing_overlaps(opened, model, width):
    page = opened(next_token(model, ALPHABET, "é" * 300), viewport={"width": width, "height": 800})
    for text in ("a", "😀日" * 150, "W" * 300, "\n" * 20):
        say(text, page)
        press(page, "ten more")
        slide(page, 1, 7, 0.9)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("figure p:visible, figure textarea, .rules label, .steps > *, .bars").evaluate_all(OVERLAPS) == 0
        assert page.locator(".bars button > *").evaluate_all(OVERLAPS) == 0
        assert page.locator(".bars, .bars button, .steps button, .rules label, .text").evaluate_all(CUT) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const style = (e) => getComputedStyle(e), all = (selector) => [...document.querySelectorAll(selector)];
    const surface = style(document.querySelector("figure")).backgroundColor;
    return {
        surface: light(surface),
        words: Math.min(...all("label, p, button, b, small, textarea, [type=number], [role=option], .unread, figcaption")
            .map((e) => contrast(style(e).color, ground(e)))),
        marks: Math.min(...all(".legend i, .bars button:not([data-cut]) i").map((e) =>
            contrast(style(e).backgroundColor, surface))),
        kinds: new Set(all(".legend i").map((e) => style(e).backgroundColor)).size,
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, model, system, says):
    page = opened(next_token(model, ALPHABET, BEGINNING), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    press(page, "ten more")
    page.locator("[role=option]").evaluate_all("(all) => all.forEach((e, i) => e.style.setProperty('--surprise', i / 19))")
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["marks"] >= 3
    assert got["kinds"] == 2


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, model, motion, still):
    page = opened(next_token(model, ALPHABET, BEGINNING), reduced_motion=motion)
    moving = """([slider]) => {
        slider.value = 0;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        return document.getAnimations().length;
    }"""
    assert (page.locator("[type=range]").evaluate_all(moving) == 0) == still


# --- in a page


def test_two_figures_share_nothing(opened, model):
    figure = next_token(model, ALPHABET, BEGINNING)
    page = opened(figure, figure)
    page.get_by_label("The text begins").nth(1).fill("bad")
    assert [page_state(page, i)["text"][:4] for i in (0, 1)] == ["a ba", "bad"]
    page.locator("figure").nth(1).get_by_role("button", name="draw", exact=True).click()
    assert [len(page_state(page, i)["drawn"]) for i in (0, 1)] == [10, 1]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) == 6
    source = "".join((HERE / f"{name}.js").read_text() for name in ("blocks", "next_token"))
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"stack", "reshape", "next_token"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


def heavy():
    """A model as large as the figure takes, over 95 characters."""
    vocabulary = Vocabulary(map(chr, range(32, 127)))
    return gpt(95, 92, heads=4, layers=4, longest=128, enlarge=1.0), vocabulary


def test_a_token_takes_less_than_50_ms_and_the_page_half_a_megabyte_more(opened):
    model, vocabulary = heavy()
    assert 0.95 * HEAVIEST < sum(parameter.numel() for parameter in model.parameters()) <= HEAVIEST
    figure = next_token(model, vocabulary, "The history of ")
    assert len(figure._repr_html_().encode()) < 670_000
    page = opened(figure)
    spent = page.evaluate("""() => {
        const [, more] = document.querySelectorAll(".steps button"), start = performance.now();
        for (let i = 0; i < 20; i++) more.click();
        return (performance.now() - start) / 200;
    }""")
    assert len(page_state(page)["drawn"]) == 210
    assert spent < 50


def test_html_names_no_host(model):
    assert "http" not in re.sub(r'"base64": "[^"]*"', "", next_token(model, ALPHABET, "a")._repr_html_())


def test_state_is_json(model):
    state = json.loads(next_token(model, ALPHABET, BEGINNING).state)
    assert state["alphabet"] == ALPHABET.tokens
    assert state["weights"].keys() == dict(model.named_parameters()).keys() == export(model)["weights"].keys()
    assert len(base64.b64decode(state["weights"]["stack.blocks.1.between.widen.weight"]["levels"]["base64"])) == 48 * 12


# --- refusals


def words():
    return Vocabulary([*ALPHABET.tokens[:-1], "<end>"])


@pytest.mark.parametrize(
    ("model", "vocabulary", "error", "message"),
    [
        (nn.Linear(2, 2), ALPHABET, TypeError, "model is of type Linear; expected a GPT"),
        (gpt(vocabulary=V + 1), ALPHABET, ValueError, f"vocabulary has {V} tokens; expected {V + 1}, as many as the model has"),
        (gpt(), words(), ValueError, "vocabulary holds '<end>'; expected single characters"),
        (gpt(enlarge=torch.inf), ALPHABET, ValueError, "model holds a NaN or an infinity"),
        (gpt(size=120, layers=3), ALPHABET, ValueError, "parameters; expected at most 450000"),
        (gpt(rotary=True), ALPHABET, ValueError, "expected attention without rotations"),
        (gpt(between=lambda: MixtureOfExperts(12, 9, 3)), ALPHABET, ValueError, "expected a FeedForward in each block"),
    ],
)
def test_refuses_another_model(model, vocabulary, error, message):
    with pytest.raises(error, match=re.escape(message)):
        next_token(model, vocabulary, BEGINNING)


@pytest.mark.parametrize(
    ("beginning", "message"),
    [
        ("", "beginning has 0 characters; expected 1 to 400"),
        ("a" * 401, "beginning has 401 characters; expected 1 to 400"),
        ("a Zad", "beginning is 'a Zad', and 'Z' is not in the vocabulary"),
    ],
)
def test_refuses_another_beginning(model, beginning, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        next_token(model, ALPHABET, beginning)
