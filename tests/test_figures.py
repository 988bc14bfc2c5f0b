import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from torch import nn

from utils.data.text import Vocabulary
from utils.figures import embed as embedding
from utils.figures.embed import embed, pack
from utils.figures.hidden_units import LONGEST, activations, export, hidden_units
from utils.rnn import GRU, LSTM, LanguageModel

pytest_plugins = ["browser"]

VOCABULARY = Vocabulary('\n "()&/<>,.0123456789AIabcdefghilnoprstuvwxy')
UNITS = 12
TEXT = 'In 1815 (after the war) "A" had 20 & </script><b>more</b> <!-- words.\nThe rest.'


def language_model(layer=None, vocabulary=VOCABULARY, enlarge=1.0):
    """Seeded and untrained; `enlarge` makes the units move over their whole range."""
    torch.manual_seed(0)
    model = LanguageModel(len(vocabulary), layer or LSTM(7, UNITS))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= enlarge
    return model


def state_of(figure):
    return json.loads(figure.state)


@pytest.fixture(scope="module")
def model():
    return language_model(enlarge=3.0)


def page_state(page, figure=0):
    """What the figure says that it shows: unit, place, h (T, H), p (T, V) ..."""
    return (
        page.locator("figure.interactive")
        .nth(figure)
        .evaluate("({ state: s }) => ({ ...s, h: s.h.map((row) => [...row]), p: s.p.map((row) => [...row]) })")
    )


def shown(x):
    return f"{x:+.3f}".replace("-", "−")


# --- the numbers


@pytest.mark.parametrize(
    "text",
    [
        "the war was over, and he had 20 lions (Pliny) in 1815.",
        "näive é日本🙂 words Zzz",
        "\n\n  a\n",
        "Z",
        "",
        "a",
    ],
)
def test_page_computes_what_python_computes(opened, model, text):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    exported = export(model, VOCABULARY)
    for now in (TEXT, text):
        if now != TEXT:
            page.get_by_label("Your text", exact=False).first.fill(now)
        got, (h, p) = page_state(page), activations(exported, now)
        assert got["characters"] == [x for x in now if x in VOCABULARY]
        assert got["skipped"] == [x for x in now if x not in VOCABULARY]
        np.testing.assert_allclose(np.reshape(got["h"], h.shape), h, rtol=0, atol=1e-9)
        np.testing.assert_allclose(np.reshape(got["p"], p.shape), p, rtol=0, atol=1e-9)
    assert (abs(activations(exported, TEXT)[0]) > 0.5).mean() > 0.1  # the units do move: the comparison is not of zeros


def test_large_logits_do_not_overflow(opened):
    model = language_model(enlarge=3.0)
    with torch.no_grad():
        model.readout.weight *= 1000
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    _, p = activations(export(model, VOCABULARY), TEXT)
    assert np.ptp(np.log(p + 1e-300), axis=1).max() > 690  # logits further apart than exp can reach
    np.testing.assert_allclose(page_state(page)["p"], p, rtol=0, atol=1e-6)


def test_exported_weights_are_the_model():
    model = language_model()
    h, p = activations(export(model, VOCABULARY), TEXT)
    tokens = VOCABULARY.encode(x for x in TEXT if x in VOCABULARY)[None]
    with torch.no_grad():
        outputs, _ = model.layer(model.embedding(tokens))
        logits, _ = model(tokens)
    np.testing.assert_allclose(h, outputs[0], atol=1e-3)  # what float16 leaves
    np.testing.assert_allclose(p, logits[0].softmax(-1), atol=1e-3)


def test_torch_layer_exports_the_same_weights():
    theirs = nn.LSTM(7, UNITS, batch_first=True)
    one, other = language_model(theirs), language_model(LSTM.from_torch(theirs))
    other.load_state_dict(one.state_dict() | LSTM.from_torch(theirs).state_dict(prefix="layer."), strict=False)
    left, right = export(one, VOCABULARY), export(other, VOCABULARY)
    for name in ("table", "W_hh", "W_hy", "b_y"):
        np.testing.assert_array_equal(left[name], right[name])
        assert left[name].dtype == np.float16


def test_menu_names_the_units_that_follow_a_property_most(opened, model):
    text = 'The war of 1815 was "long (and 30 years) over" in the end, A I said.'
    page = opened(hidden_units(model, VOCABULARY, text)._repr_html_())
    characters = [x for x in text if x in VOCABULARY]
    h, _ = activations(export(model, VOCABULARY), text)
    place, inside, depth, quoted, run = [], [], 0, False, 0
    for x in characters:
        run = run + 1 if x.isalpha() else 0
        depth += (x == "(") - (x == ")")
        quoted ^= x == '"'
        place.append(run)
        inside.append(depth > 0 or quoted)
    wanted = {
        "place within the word": place,
        "just read a space": [x == " " for x in characters],
        "just read a capital": [x.isupper() for x in characters],
        "just read a digit": [x.isdigit() for x in characters],
        "inside brackets or quotes": inside,
    }
    first, *rest = page_state(page)["menu"]
    assert first["unit"] == h.std(0).argmax()
    assert first["label"] == f"varies most, standard deviation {h.std(0).max():.2f}"
    assert len(rest) == len(wanted)
    options = page.locator("option").all_inner_texts()
    for entry, option, (label, values) in zip(rest, options[2:], wanted.items()):
        r = np.array([np.corrcoef(h[:, u], values)[0, 1] for u in range(UNITS)])
        assert entry["unit"] == abs(r).argmax()
        assert entry["score"] == pytest.approx(r[entry["unit"]], abs=1e-9)
        assert option == f"{label}, r = {r[entry['unit']]:+.2f}".replace("-", "−")
    page.get_by_role("combobox").select_option(index=4)
    assert page_state(page)["unit"] == rest[2]["unit"]


def test_menu_leaves_out_what_does_not_change(opened, model):
    page = opened(hidden_units(model, VOCABULARY, "words")._repr_html_())
    assert [entry["label"].split(",")[0] for entry in page_state(page)["menu"]] == ["varies most", "place within the word"]


# --- operated


def test_untouched_figure_speaks(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    h, _ = activations(export(model, VOCABULARY), TEXT)
    unit = h.std(0).argmax()
    state = page_state(page)
    assert (state["unit"], state["place"]) == (unit, h[:, unit].argmax())
    summary = page.locator("[aria-live=polite]").inner_text()
    assert f"unit {unit} runs from {shown(h[:, unit].min())}, after" in summary
    assert f"to {shown(h[:, unit].max())}, after" in summary
    assert page.locator(".text").inner_text().replace("↵", "") == TEXT


def test_mouse(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    h, p = activations(export(model, VOCABULARY), TEXT)
    page.get_by_role("spinbutton").fill("5")
    page.get_by_role("option", name=re.compile("^w,")).first.hover()
    t = [x for x in TEXT if x in VOCABULARY].index("w")
    assert page_state(page)["place"] == t
    assert page.locator(".here").inner_text() == f"After …(after␣the␣w unit 5 is at {shown(h[t, 5])}"
    names = {" ": "␣", "\n": "↵"}
    best = np.argsort(-p[t])[:3]
    expected = [f"{names.get(VOCABULARY.tokens[i], VOCABULARY.tokens[i])} {p[t, i]:.3f}" for i in best]
    assert [" ".join(item.split()) for item in page.locator(".next li").all_inner_texts()] == expected
    trace = page.locator(".trace").bounding_box()
    page.mouse.move(trace["x"] + trace["width"] * 10.5 / len(h), trace["y"] + 5)
    assert page_state(page)["place"] == 10


def test_keyboard(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_(), viewport={"width": 800, "height": 400})
    h, p = activations(export(model, VOCABULARY), TEXT)
    last = len(h) - 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Tab")
    unit = page_state(page)["unit"] - 1
    page.keyboard.press("ArrowLeft")  # on the slider
    assert page_state(page)["unit"] == unit
    assert page.get_by_role("spinbutton").input_value() == str(unit)
    for _ in range(3):  # number, menu, text: one stop each
        page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate("document.activeElement.role") == "option"
    steps = [("Home", 0), ("Left", 0), ("Right", 1), ("End", last), ("Right", last), ("Left", last - 1)]
    for key, place in steps:
        page.keyboard.press(key.replace("Left", "ArrowLeft").replace("Right", "ArrowRight"))
        assert page_state(page)["place"] == place
        assert f", {shown(h[place, unit])}; next " in page.evaluate(focused)
        assert f" {p[place].max():.3f}," in page.evaluate(focused)
        assert page.locator(".text [tabindex='0']").count() == 1
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    scrolled = page.evaluate("scrollY")
    for key, now in [("ArrowDown", unit - 1), ("ArrowUp", unit)]:
        page.keyboard.press(key)
        assert page_state(page)["unit"] == now
        page.wait_for_timeout(200)
        assert page.evaluate("scrollY") == scrolled  # the keys are the figure's, not the page's
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # and out again


def test_typing_shows_what_is_expected_at_the_caret(opened, model):
    page = opened(hidden_units(model, VOCABULARY, "the war")._repr_html_())
    field = page.locator("textarea")
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Zand")
    assert page_state(page)["place"] == len("the war and") - 1
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("s")
    assert page_state(page)["place"] == len("the wars") - 1
    assert "skipped: Z" in page.locator(".skipped").inner_text()
    assert page.locator(".text s").all_inner_texts() == ["Z"]
    field.fill("")
    assert page.locator(".readout").is_hidden()
    assert "nothing to read" in page.locator("[aria-live=polite]").inner_text()
    field.fill("x" * (LONGEST + 50))
    page.keyboard.press("Control+End")
    assert page.evaluate("document.querySelector('textarea').maxLength") == LONGEST


def test_a_resting_mouse_has_no_say_while_the_reader_types(opened, model):
    text = "the war " * 30
    page = opened(hidden_units(model, VOCABULARY, text)._repr_html_(), viewport={"width": 800, "height": 900})
    page.locator(".text span").nth(100).hover()
    page.locator("textarea").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("and")
    page.wait_for_timeout(300)  # time for the browser to tell the new elements that a mouse is over one of them
    assert page_state(page)["place"] == len(text + "and") - 1


@pytest.mark.parametrize(("typed", "unit"), [("99", UNITS - 1), ("-4", 0), ("3", 3)])
def test_unit_stays_in_range(opened, model, typed, unit):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    page.get_by_role("spinbutton").fill(typed)
    assert page_state(page)["unit"] == unit
    assert page.get_by_role("slider").input_value() == str(unit)


# --- in a page


def test_two_figures_share_nothing(opened, model):
    figure = hidden_units(model, VOCABULARY, TEXT)
    page = opened(figure._repr_html_(), figure._repr_html_())
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == 2
    assert len(set(ids)) == 2
    page.get_by_role("spinbutton").nth(1).fill("3")
    page.locator("textarea").nth(1).fill("the end")
    assert "".join(page_state(page, 0)["characters"]) == "".join(x for x in TEXT if x in VOCABULARY)
    assert "".join(page_state(page, 1)["characters"]) == "the end"
    assert page_state(page, 0)["unit"] != 3
    assert page_state(page, 1)["unit"] == 3


INSERT = {  # how a notebook's front end runs the scripts of an output that it inserted as text
    "JupyterLab": "script.parentNode.replaceChild(again, script)",
    "VS Code": "place.appendChild(again).remove()",
}


@pytest.mark.parametrize("front_end", INSERT)
def test_runs_where_a_notebook_inserts_it(opened, model, front_end):
    html = hidden_units(model, VOCABULARY, TEXT)._repr_html_()  # twice with one id, as after a restart of the kernel
    page = opened('<div id="one"></div>', '<div id="two"></div>')
    for place in ("one", "two"):
        page.evaluate(
            """([id, html]) => {
                const place = document.getElementById(id);
                place.innerHTML = html;
                for (const script of place.querySelectorAll("script")) {
                    const again = document.createElement("script");
                    for (const { name, value } of script.attributes) again.setAttribute(name, value);
                    again.textContent = script.textContent;
                    INSERT;
                }
            }""".replace("INSERT", INSERT[front_end]),
            [place, html],
        )
    for index in (0, 1):
        assert len(page_state(page, index)["h"]) > 0
    assert page.locator("textarea").count() == 2


def test_keys_stay_in_the_figure(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    page.evaluate("heard = []; document.addEventListener('keydown', (event) => heard.push(event.key))")
    for control in ("textarea", "[type=range]", ".text span"):
        page.locator(control).first.focus()
        for key in ("ArrowRight", "d", "Control+k"):
            page.keyboard.press(key)
    assert page.evaluate("heard") == ["Control", "k"] * 3  # the page's own shortcuts still work


def test_no_global_is_left_behind(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    sources = "".join((Path(embedding.__file__).parent / name).read_text() for name in ("embed.js", "hidden_units.js"))
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", sources, re.MULTILINE)
    assert {"numbers", "hidden_units", "sigmoid"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", [*names, "root"]) == []


def test_every_control_has_a_label(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_())
    unnamed = "[...document.querySelectorAll('input, select, textarea')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("figure > figcaption").inner_text().startswith("Hidden units over text. A character LSTM with 12 units")


@pytest.mark.parametrize("width", [320, 360, 1200])
def test_fits_the_window(opened, model, width):
    long_word = "x" * 120 + " " + TEXT + "日" * 60
    page = opened(hidden_units(model, VOCABULARY, long_word)._repr_html_(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    figure = page.locator("figure")
    assert figure.evaluate("(f) => f.scrollWidth <= f.clientWidth")
    right = "(f) => Math.max(...[...f.querySelectorAll('*')].map((e) => e.getBoundingClientRect().right))"
    assert figure.evaluate(right) <= width


COLOURS = (
    "() => {"
    + LUMINANCE
    + """
    const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo);
    const surface = style("figure").backgroundColor, cell = document.querySelector(".text span:not([data-here])"), texts = [];
    for (const sign of ["low", "high"]) for (let s = 0; s <= 1; s += 0.1) {
        cell.className = sign; cell.style.setProperty("--strength", s);
        texts.push(contrast(getComputedStyle(cell).color, getComputedStyle(cell).backgroundColor));
    }
    const ends = ["low", "high"].map((sign) => { cell.className = sign; return getComputedStyle(cell).backgroundColor; });
    return {
        surface: light(surface), cells: Math.min(...texts), ends: new Set([...ends, surface]).size,
        words: Math.min(...["label", "figcaption", ".note", ".summary", "s"].map((s) => contrast(style(s).color, surface))),
        marks: Math.min(...[".low", ".high"].map((s) => contrast(style(".trace " + s, "::before").backgroundColor, surface))),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize(
    ("says", "dark"),
    [
        ("", None),  # the page says nothing: the system decides
        ("document.documentElement.dataset.theme = 'light'", False),
        ("document.documentElement.dataset.theme = 'dark'", True),
        ("document.body.dataset.jpThemeLight = 'true'", False),
        ("document.body.dataset.jpThemeLight = 'false'", True),
        ("document.documentElement.setAttribute('theme', 'dark')", True),
        ("document.body.className = 'vscode-light'", False),
        ("document.body.className = 'vscode-dark'", True),
    ],
)
def test_readable_in_light_and_dark(opened, model, system, says, dark):
    html = hidden_units(model, VOCABULARY, TEXT + "Z")._repr_html_()
    page = opened(html, color_scheme=system, reduced_motion="reduce")
    page.evaluate(says)
    colours = page.evaluate(COLOURS)
    if system == "dark" if dark is None else dark:
        assert colours["surface"] < 0.05
    else:
        assert colours["surface"] > 0.9
    assert colours["cells"] >= 4.5
    assert colours["words"] >= 4.5
    assert colours["marks"] >= 3
    assert colours["ends"] == 3


def test_colours_and_heights_say_the_same_as_the_numbers(opened, model):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_(), reduced_motion="reduce")
    page.get_by_role("spinbutton").fill("4")
    h, _ = activations(export(model, VOCABULARY), TEXT)
    height_of = "(all) => all.map((e) => [e.className, parseFloat(getComputedStyle(e, '::before').height)])"
    strength_of = "(all) => all.map((e) => [e.className, Number(e.style.getPropertyValue('--strength'))])"
    bars = page.locator(".trace i").evaluate_all(height_of)
    cells = page.locator(".text span").evaluate_all(strength_of)
    half = page.locator(".trace").bounding_box()["height"] / 2
    for value, (bar, height), (cell, strength) in zip(h[:, 4], bars, cells, strict=True):
        assert bar == cell == ("low" if value < 0 else "high")
        assert height == pytest.approx(abs(value) * half, abs=0.1)
        assert strength == pytest.approx(abs(value), abs=6e-4)


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, model, motion, still):
    page = opened(hidden_units(model, VOCABULARY, TEXT)._repr_html_(), reduced_motion=motion)
    durations = page.evaluate("[...document.querySelectorAll('figure *')].map((e) => getComputedStyle(e).transitionDuration)")
    assert (set(durations) == {"0s"}) == still


def test_size_of_the_html():
    vocabulary = Vocabulary(map(chr, range(32, 32 + 91)))
    figure = hidden_units(language_model(LSTM(24, 92), vocabulary), vocabulary, "a" * LONGEST)
    assert len(figure._repr_html_().encode()) <= 230_000
    assert "http" not in re.sub(r'"base64": "[^"]*"', "", figure._repr_html_())


# --- the embedding


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("order", ["=", ">"])
def test_arrays_arrive_as_they_were(opened, dtype, order):
    values = np.array([[0, 1, 200], [3, 127, 65]])
    if dtype.startswith("float"):
        values = np.array([[0.1, -1.5, 65504], [6e-8, -6.1e-5, 0.0]])
    array = values.astype(dtype)
    page = opened("")
    source = (Path(embedding.__file__).parent / "embed.js").read_text()
    packed = json.loads(json.dumps(pack(array.astype(array.dtype.newbyteorder(order)).T)))
    assert packed["shape"] == [3, 2]
    got = page.evaluate(f"(packed) => {{ {source}; return [...numbers(packed)]; }}", packed)
    np.testing.assert_array_equal(np.reshape(got, packed["shape"]), array.T)


def test_state_and_words_cannot_break_out():
    figure = embed("hidden_units", {"x": "</script><!-- <script>"}, title="a <b> & c", description='"d" </figure>')
    html = figure._repr_html_()
    assert html.count("</script>") == 2
    assert html.count("</figure>") == 1
    assert "<!--" not in html
    assert "a &lt;b&gt; &amp; c" in html
    assert state_of(figure) == {"x": "</script><!-- <script>"}


def test_without_html_the_description_stands(model):
    figure = hidden_units(model, VOCABULARY, TEXT)
    assert repr(figure).startswith("Interactive figure: Hidden units over text. A character LSTM with 12 units reads")
    assert "<noscript>" in figure._repr_html_()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "no_such"}, "name is 'no_such'; expected one of"),
        ({"name": "embed"}, "name is 'embed'; expected one of"),
        ({"title": " "}, "title is empty"),
        ({"description": ""}, "description is empty"),
        ({"state": {"x": float("nan")}}, "state cannot be written as JSON"),
        ({"state": {"x": np.array([np.inf])}}, "holds a NaN or an infinity"),
    ],
)
def test_embed_refuses(change, message):
    good = {"name": "hidden_units", "state": {}, "title": "t", "description": "d"}
    with pytest.raises(ValueError, match=re.escape(message)):
        embed(**(good | change))


@pytest.mark.parametrize("value", [{1, 2}, np.array([1j]), np.array(["a"]), np.array([1], dtype="int64")])
def test_embed_refuses_what_a_page_cannot_read(value):
    with pytest.raises(TypeError, match="state holds a"):
        embed("hidden_units", {"x": value}, title="t", description="d")


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (GRU(7, 5), TypeError, "model.layer is a GRU; expected a utils.rnn.LSTM or a torch.nn.LSTM"),
        (nn.GRU(7, 5, batch_first=True), TypeError, "GRU; expected a torch.nn.LSTM"),
        (nn.LSTM(7, 5, num_layers=2, batch_first=True), ValueError, "expected one layer"),
        (nn.LSTM(7, 5, bias=False, batch_first=True), ValueError, "with biases"),
    ],
)
def test_refuses_another_layer(layer, error, message):
    with pytest.raises(error, match=re.escape(message)):
        hidden_units(language_model(layer), VOCABULARY, TEXT)


@pytest.mark.parametrize(
    ("vocabulary", "text", "message"),
    [
        (VOCABULARY, "", "text is ''; expected some characters of the vocabulary"),
        (VOCABULARY, "ZZZ", "text is 'ZZZ'; expected some characters"),
        (VOCABULARY, "a" * (LONGEST + 1), f"text has {LONGEST + 1} characters; expected at most {LONGEST}"),
        (Vocabulary("ab"), "ab", f"vocabulary has 2 tokens; expected {len(VOCABULARY)}"),
        (Vocabulary([*VOCABULARY.tokens[:-1], "<end>"]), "a", "vocabulary holds '<end>'; expected single characters"),
    ],
)
def test_refuses_another_text_or_vocabulary(model, vocabulary, text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        hidden_units(model, vocabulary, text)


def test_refuses_weights_that_are_no_numbers():
    model = language_model()
    with torch.no_grad():
        model.readout.bias[0] = torch.nan
    with pytest.raises(ValueError, match="NaN or an infinity"):
        hidden_units(model, VOCABULARY, TEXT)
