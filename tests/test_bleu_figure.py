"""The page counts n-grams and scores them as utils.metrics does, shows what it counted, and says it in words."""

import json
import random
import re
from pathlib import Path

import pytest
from colours import LUMINANCE

from utils.figures import embed as embedding
from utils.figures.bleu_counter import LONGEST, LONGEST_TEXT, bleu_counter
from utils.metrics import bleu, bleu_by_definition, brevity_penalty, clipped_matches

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

REFERENCE = "the cat sat on the red mat"
PERFECT, WRONG, SWAPPED, SHORT, REPEATED, SHUFFLED = EXAMPLES = [
    (REFERENCE, REFERENCE),
    ("the cat sat in the red mat", REFERENCE),
    ("the cat on sat the red mat", REFERENCE),
    ("the cat sat", REFERENCE),
    ("the the the the", REFERENCE),
    ("mat red the on sat cat the", REFERENCE),
]
ODD = [  # empty, one word, longer than the reference, and words that could be taken for something else
    ("", REFERENCE),
    (REFERENCE, ""),
    ("", ""),
    ("cat", REFERENCE),
    ("dog", REFERENCE),
    ("cat", "cat"),
    (REFERENCE, "cat"),
    (f"{REFERENCE} {REFERENCE}", REFERENCE),
    ("a b c d", "e f g h"),
    ("constructor __proto__ <b>&amp; “l’été” 日本", "__proto__ <b>&amp; “l’été” 日本 constructor"),
    ("The cat", "the cat"),
    ("a a a b a a a", "a a b a a"),
]
COUNT = """([figure], pairs) => {
    const [hypothesis, reference] = figure.querySelectorAll("input");
    return pairs.map((pair) => {
        [hypothesis.value, reference.value] = pair;
        reference.dispatchEvent(new Event("input"));
        return structuredClone(figure.state);
    });
}"""


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def fill(page, hypothesis, reference):
    page.get_by_role("textbox").nth(0).fill(hypothesis)
    page.get_by_role("textbox").nth(1).fill(reference)


def said(page):
    return page.locator(".said").inner_text()


def block(page, n, i):
    return page.locator(f".block[data-n='{n}'][data-i='{i}']")


def lit(page):
    """The places in the reference that are lit, by how."""
    shown = page.locator(".theirs span").evaluate_all("(all) => all.map((e) => e.dataset.lit)")
    return [[i for i, how in enumerate(shown) if how == kind] for kind in ("own", "other")]


def random_pairs(count, seed=0):
    """Word lists over few words, the hypothesis half the time the reference with a part changed, so that long n-grams match."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        words = "abcdefghij"[: rng.randint(1, 10)]
        reference = rng.choices(words, k=rng.randint(1, LONGEST))
        hypothesis = rng.choices(words, k=rng.randint(0, LONGEST))
        if rng.random() < 0.5:
            start = rng.randint(0, len(reference))
            hypothesis = (reference[:start] + hypothesis[:2] + reference[start + rng.randint(0, 4) :])[:LONGEST]
        pairs.append((" ".join(hypothesis), " ".join(reference)))
    return pairs


# --- the numbers


def test_page_counts_and_scores_as_python_does(opened):
    page = opened(bleu_counter(EXAMPLES))
    pairs = [*EXAMPLES, *ODD, *random_pairs(400)]
    states = page.locator("figure").evaluate_all(COUNT, pairs)
    taken = set()
    for (hypothesis, reference), state in zip(pairs, states, strict=True):
        expected = bleu_by_definition([hypothesis], [reference])
        assert state["score"] == pytest.approx(expected, abs=1e-9), (hypothesis, reference)
        penalty = brevity_penalty(len(hypothesis.split()), len(reference.split()))
        assert state["penalty"] == pytest.approx(penalty, abs=1e-12)
        for n, order in enumerate(state["orders"], 1):
            assert (order["matches"], order["total"]) == clipped_matches(hypothesis, [reference], n)
            kinds = [gram["kind"] for gram in order["grams"]]
            assert (kinds.count("counted"), len(kinds)) == (order["matches"], order["total"])
            for gram in order["grams"]:
                places = [i for i in range(len(reference.split())) if reference.split()[i : i + n] == gram["text"].split()]
                assert gram["places"] == places
                assert (gram["kind"] == "absent") == (not places)
            zero = order["total"] > 0 and order["matches"] == 0 and state["orders"][0]["matches"] > 0
            taken.add(order["worth"] if zero else None)
    assert taken == {None, 0.5, 0.25, 0.125}  # all cases of the smoothing were met
    assert 100 < len({round(state["score"], 6) for state in states})


def test_worked_by_hand(opened):
    """Papineni et al. 2002, example 2, on our words: of four "the" against two, two count."""
    page = opened(bleu_counter([REPEATED]))
    state = page_state(page)
    assert [gram["kind"] for gram in state["orders"][0]["grams"]] == ["counted"] * 2 + ["clipped"] * 2
    assert [(order["matches"], order["total"], order["worth"]) for order in state["orders"]] == [
        (2, 4, 2),
        (0, 3, 0.5),
        (0, 2, 0.25),
        (0, 1, 0.125),
    ]
    assert state["score"] == pytest.approx(100 * 2.718281828459045 ** (-3 / 4) * (2 / 4 / 6 / 8 / 8) ** (1 / 4), abs=1e-9)
    assert state["score"] == pytest.approx(bleu([REPEATED[0]], [REPEATED[1]]), abs=1e-9)


# --- what is shown


LAID_OUT = [  # (a pair, the window's width, whether the words stand below one another)
    *((pair, 900, False) for pair in [*EXAMPLES, ODD[3], ODD[9]]),
    *((pair, 360, True) for pair in [PERFECT, SHUFFLED, ODD[7], ODD[9]]),
    (SHORT, 360, False),
    (("international control " * 6, REFERENCE), 900, True),
]


@pytest.mark.parametrize(("pair", "width", "upright"), LAID_OUT)
def test_blocks_lie_along_their_words(opened, pair, width, upright):
    page = opened(bleu_counter([pair]), viewport={"width": width, "height": 800})
    assert page.locator(".ngrams").evaluate("(e) => 'upright' in e.dataset") == upright
    words = pair[0].split()
    boxes = {(n, i): block(page, n, i).bounding_box() for n in range(1, 5) for i in range(len(words) - n + 1)}
    assert page.locator(".ngrams .block").count() == len(boxes)
    along, length = ("y", "height") if upright else ("x", "width")
    for (n, i), box in boxes.items():
        first, last = boxes[1, i], boxes[1, i + n - 1]
        assert box[along] == pytest.approx(first[along], abs=0.1)
        assert box[along] + box[length] == pytest.approx(last[along] + last[length], abs=0.1)
    apart = lambda a, b: any(  # noqa: E731
        p[side] + p[size] <= q[side] for side, size in (("x", "width"), ("y", "height")) for p, q in ((a, b), (b, a))
    )
    every = [*boxes.values()]
    assert all(apart(a, b) for k, a in enumerate(every) for b in every[:k])
    fractions = page.locator(".beside:last-child").all_inner_texts()
    counts = [clipped_matches(pair[0], [pair[1]], n) for n in range(1, 5)]
    assert [text.split() for text in fractions] == [[str(m), str(t)] if t else ["none"] for m, t in counts]


def test_three_kinds_differ_in_more_than_colour(opened):
    page = opened(bleu_counter([("the cat the the dog cat dog sat", REFERENCE)]))
    style = """(e) => {
        const { borderTopStyle, backgroundImage, backgroundColor } = getComputedStyle(e);
        return [borderTopStyle, backgroundImage !== "none", backgroundColor !== "rgba(0, 0, 0, 0)"];
    }"""
    looks = {"counted": ["solid", False, True], "clipped": ["solid", True, False], "absent": ["dashed", False, False]}
    for kind, expected in looks.items():
        for element in page.locator(f".block[data-kind='{kind}']").all():
            assert element.evaluate(style) == expected
        assert page.locator(f".ngrams .block[data-kind='{kind}'], .legend .block[data-kind='{kind}']").count() >= 2


def test_formula_has_the_numbers_of_the_score(opened):
    page = opened(bleu_counter(EXAMPLES))
    shown = lambda: re.sub(r"\s", "", page.locator(".formula").inner_text())  # noqa: E731
    assert shown() == "100×1.000brevitypenaltynotshorter×(77·66·55·44)1/4geometricmean1.000=100.00BLEU"
    page.get_by_role("button", name=REPEATED[0], exact=True).click()
    assert shown() == "100×0.472brevitypenaltyexp(1−7/4)×(24·½3·¼2·⅛1)1/4geometricmean0.190=8.97BLEU"
    assert page.locator("[data-taken]").count() == 3
    fill(page, "dog", REFERENCE)
    assert shown() == "100×0.002brevitypenaltyexp(1−7/1)×0geometricmean0.000=0.00BLEU"


def test_summary(opened):
    page = opened(bleu_counter(EXAMPLES))
    zero = "A 0 would make the whole product 0, so that of"
    for hypothesis, reference, words in [
        (*PERFECT, "What counts: 1-grams 7 of 7, 2-grams 6 of 6, 3-grams 5 of 5, 4-grams 4 of 4. 7 words against 7: no penalty "
         "for brevity. BLEU is 100.00."),
        (*SHORT, "What counts: 1-grams 3 of 3, 2-grams 2 of 2, 3-grams 1 of 1. It is too short for 4-grams: the mean leaves "
         "them out. 3 words against 7: the brevity penalty is 0.264. BLEU is 26.36."),
        (*REPEATED, f"What counts: 1-grams 2 of 4, 2-grams 0 of 3, 3-grams 0 of 2, 4-grams 0 of 1. {zero} 2-grams is taken as "
         "1/2, that of 3-grams is taken as 1/4 and that of 4-grams is taken as 1/8. 4 words against 7: the brevity penalty is "
         "0.472. BLEU is 8.97."),
        ("cat", "cat", "What counts: 1-grams 1 of 1. It is too short for 2-grams, 3-grams and 4-grams: the mean leaves them "
         "out. 1 word against 1: no penalty for brevity. BLEU is 100.00."),
        ("dog", REFERENCE, "None of its words is in the reference: BLEU is 0."),
        ("", REFERENCE, "The translation is empty: nothing counts, and BLEU is 0."),
        (REFERENCE, " ", "The reference is empty: nothing counts, and BLEU is 0."),
    ]:  # fmt: skip
        fill(page, hypothesis, reference)
        assert said(page) == words
        assert page.locator(".formula").get_attribute("aria-label") == words
        assert page.locator(".formula").is_visible() == page.locator(".ngrams").is_visible() == bool(hypothesis)
        assert not re.search("NaN|undefined|Infinity", page.locator(".panel").inner_text())


def test_an_ngram_lights_its_places_in_the_reference(opened):
    page = opened(bleu_counter([("the cat the dog the sat on the", REFERENCE)]))
    assert lit(page) == [[], []]
    for n, i, own, other, words in [
        (1, 0, [0], [4], "“the” counts: number 1 of 4 in the translation, and the reference has 2."),
        (1, 2, [4], [0], "“the” counts: number 2 of 4 in the translation, and the reference has 2."),
        (1, 4, [], [0, 4], "“the” is clipped: number 3 of 4 in the translation, and the reference has only 2."),
        (3, 5, [2, 3, 4], [], "“sat on the” counts: it is in the reference."),
        (2, 1, [], [], "“cat the” does not count: it is not in the reference."),
    ]:
        block(page, n, i).hover()
        assert lit(page) == [own, other]
        assert said(page) == words
        within = page.locator("[data-within]").evaluate_all("(all) => all.map((e) => +e.dataset.i)")
        assert within == list(range(i, i + n))
        assert page.locator("[aria-selected='true']").count() == 1
        assert block(page, n, i).get_attribute("aria-selected") == "true"
    fill(page, "cat", REFERENCE)
    assert lit(page) == [[], []]  # a new count looks at nothing yet


# --- operated


def test_examples(opened):
    page = opened(bleu_counter(EXAMPLES))
    buttons = page.get_by_role("group", name="Examples").get_by_role("button")
    assert buttons.all_inner_texts() == [hypothesis for hypothesis, _ in EXAMPLES]
    pressed = lambda: buttons.evaluate_all("(all) => all.map((e) => e.ariaPressed)").index("true")  # noqa: E731
    assert pressed() == 0
    for k, (hypothesis, reference) in [*enumerate(EXAMPLES)][::-1]:
        buttons.nth(k).click()
        assert page_state(page)["hypothesis"] == hypothesis.split()
        assert page_state(page)["reference"] == reference.split()
        assert pressed() == k
    fill(page, "cat", REFERENCE)
    assert page.locator("[aria-pressed='true']").count() == 0


@pytest.mark.parametrize(("width", "keys"), [(900, "Left Right Up Down"), (360, "Up Down Left Right")])
def test_keyboard(opened, width, keys):
    """Two keys go along the words, two from order to order; they change places where the words stand below one another."""
    page = opened(bleu_counter(EXAMPLES), viewport={"width": width, "height": 500})
    back, on, fewer, more = (f"Arrow{key}" for key in keys.split())
    for name in ("Your translation (the hypothesis)", "Reference"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.labels[0].textContent") == name
    for _ in range(len(EXAMPLES) + 1):
        page.keyboard.press("Tab")
    at = lambda: [page_state(page)["here"][key] for key in "ni"]  # noqa: E731
    assert at() == [1, 0]
    for key, place in [(on, [1, 1]), (more, [2, 1]), (more, [3, 1]), (more, [4, 1]), (more, [4, 1]), (back, [4, 0]),
                       (back, [4, 0]), ("End", [4, 3]), (on, [4, 3]), (fewer, [3, 3]), ("Home", [3, 0]), (fewer, [2, 0]),
                       (fewer, [1, 0]), (fewer, [1, 0]), ("End", [1, 6]), (more, [2, 5])]:  # fmt: skip
        page.keyboard.press(key)
        assert at() == place
        assert page.evaluate("[+document.activeElement.dataset.n, +document.activeElement.dataset.i]") == place
        assert page.locator("[role=option][tabindex='0']").count() == 1
        assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    press = (
        "(key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))"
    )
    assert [page.evaluate(press, key) for key in ("ArrowDown", "End", "x")] == [False, False, True]  # the page must not scroll
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_a_short_one_has_no_higher_order_to_go_to(opened):
    page = opened(bleu_counter([SHORT]))
    block(page, 1, 2).focus()
    for place in ([2, 1], [3, 0], [3, 0]):
        page.keyboard.press("ArrowDown")
        assert [page_state(page)["here"][key] for key in "ni"] == place


def test_pointer_and_a_resting_mouse(opened):
    page = opened(bleu_counter(EXAMPLES))
    block(page, 4, 2).hover()
    assert said(page).startswith("“sat on the red”")
    block(page, 2, 0).click()
    assert said(page).startswith("“the cat”")
    page.get_by_role("textbox").first.focus()
    page.keyboard.press("End")
    page.keyboard.type(" cat")
    page.wait_for_timeout(200)  # time for the browser to tell the new elements that a mouse is over one of them
    assert page_state(page)["here"] is None
    assert said(page).startswith("What counts: 1-grams 7 of 8")


def test_long_input_is_cut_with_a_note(opened):
    page = opened(bleu_counter(EXAMPLES))
    note = lambda: page.get_by_role("status").inner_text()  # noqa: E731
    usual = "Spaces divide words; capitals and punctuation make a difference."
    for hypothesis, reference, words in [
        ("cat", "cat", usual),
        ("cat " * LONGEST, "cat", usual),
        ("cat " * (LONGEST + 1), "cat", f"Only the first {LONGEST} words of the translation are looked at."),
        ("cat", "cat " * 50, f"Only the first {LONGEST} words of the reference are looked at."),
        ("cat " * 50, "cat " * 50, f"Only the first {LONGEST} words of the translation and reference are looked at."),
        ("c" * LONGEST_TEXT, "cat", f"A field takes {LONGEST_TEXT} characters, no more."),
    ]:
        fill(page, hypothesis, reference)
        assert note() == words
        state = page_state(page)
        assert [state["hypothesis"], state["reference"]] == [hypothesis.split()[:LONGEST], reference.split()[:LONGEST]]
    assert page.get_by_role("textbox").first.get_attribute("maxlength") == str(LONGEST_TEXT)


# --- in a page


@pytest.mark.parametrize("width", [320, 360, 600, 1000])
def test_fits_the_window(opened, width):
    page = opened(bleu_counter(EXAMPLES), viewport={"width": width, "height": 800})
    measure = "(all) => Math.max(...all.map((e) => e.getBoundingClientRect().right))"
    for pair in [*EXAMPLES, ("W" * 60 + " " + "W" * 70, "W" * 60 + " cat"), ("Wörter " * LONGEST, "日" * 99), ("", "cat")]:
        fill(page, *pair)
        for element in page.locator(".block[data-i='0'][role=option]").all():
            element.focus()
            assert page.locator("figure *").evaluate_all(measure) <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    fill(page, *PERFECT)
    page.set_viewport_size({"width": 1320 - width, "height": 800})  # a turned phone
    upright = "(wanted) => 'upright' in document.querySelector('.ngrams').dataset === wanted"
    page.wait_for_function(upright, arg=1320 - width < 600)


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const style = (e) => getComputedStyle(e), all = (selector) => [...document.querySelectorAll(selector)];
    const surface = style(document.querySelector("figure")).backgroundColor;
    const seen = (colour) => (colour === "rgba(0, 0, 0, 0)" ? surface : colour);
    const stripe = style(document.querySelector(".ngrams [data-kind='clipped'][data-n='1']")).backgroundImage
        .match(/(?:oklab|rgb|color)\\([^)]*\\)/)[0];
    return {
        surface: light(surface),
        words: Math.min(contrast(style(document.querySelector("figure")).color, stripe), ...all(".block > span, .theirs span")
            .map((e) => contrast(style(e).color, seen(style(e.closest(".block, .theirs span")).backgroundColor)))),
        text: Math.min(...all("label, p, button, input, small, .beside, .over, .over > span, figcaption")
            .map((e) => contrast(style(e).color, surface))),
        marks: Math.min(...all(".ngrams .block").map((e) => contrast(style(e).borderTopColor, surface))),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(bleu_counter([("the the the cat dog", REFERENCE)]), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    block(page, 1, 0).focus()
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["text"] >= 4.5
    assert got["marks"] >= 3


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, motion, still):
    page = opened(bleu_counter(EXAMPLES), reduced_motion=motion)
    durations = page.locator(".theirs span").evaluate_all("(all) => all.map((e) => getComputedStyle(e).transitionDuration)")
    assert [set(duration.split(", ")) == {"0s"} for duration in durations] == [still] * 7


def test_two_figures_share_nothing(opened):
    figure = bleu_counter(EXAMPLES)
    page = opened(figure, figure)
    page.get_by_role("textbox").nth(2).fill("cat")
    block(page, 1, 0).nth(1).hover()
    assert [len(page_state(page, k)["hypothesis"]) for k in (0, 1)] == [7, 1]
    assert [page_state(page, k)["here"] is None for k in (0, 1)] == [True, False]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) == 4
    described = page.get_by_role("textbox").evaluate_all("(all) => all.map((e) => e.getAttribute('aria-describedby'))")
    assert sorted(set(described)) == sorted(set(ids) & set(described))
    source = (Path(embedding.__file__).parent / "bleu_counter.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"count", "bleu", "bleu_counter"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []
    assert len(source.splitlines()) < 220


def test_text_alternative(opened):
    page = opened(bleu_counter([REPEATED]))
    assert page.get_by_role("listbox", name="The n-grams of the translation").count() == 1
    groups = page.locator(".ngrams [role=group]").evaluate_all("(all) => all.map((e) => e.ariaLabel)")
    assert groups == ["1-grams: 2 of 4", "2-grams: 0 of 3", "3-grams: 0 of 2", "4-grams: 0 of 1"]
    names = page.get_by_role("option").evaluate_all("(all) => all.map((e) => e.ariaLabel)")
    assert names[:5] == [*["the: counts"] * 2, *["the: clipped"] * 2, "the the: not in the reference"]
    assert page.get_by_role("img", name=f"Reference: {REFERENCE}", exact=True).count() == 1
    assert page.locator("[aria-live=polite]").count() == 1


def test_without_html_the_description_stands():
    figure = bleu_counter(EXAMPLES)
    assert repr(figure).startswith("Interactive figure: BLEU, counted. The blocks are the n-grams of a translation")
    assert json.loads(figure.state) == {"examples": [*map(list, EXAMPLES)], "longest": LONGEST, "longest_text": LONGEST_TEXT}
    assert "http" not in figure._repr_html_()
    assert len(figure._repr_html_().encode()) < 30_000


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ("the cat", TypeError, "examples is 'the cat'; expected a list of pairs of strings, (hypothesis, reference)"),
        (["ab"], TypeError, "expected a list of pairs of strings"),
        ([("a", "b", "c")], TypeError, "expected a list of pairs of strings"),
        ([("a", 1)], TypeError, "expected a list of pairs of strings"),
        ([], ValueError, "examples is empty; expected at least one pair (hypothesis, reference)"),
        ([("a", "b"), ("a", " ")], ValueError, "examples holds ' ' of 0 words; expected 1 to 20"),
        ([("a " * 21, "b")], ValueError, "of 21 words; expected 1 to 20"),
        ([("a" * 301, "b")], ValueError, "examples holds a text of 301 characters; expected at most 300"),
    ],
)
def test_refuses(examples, error, message):
    with pytest.raises(error, match=re.escape(message)):
        bleu_counter(examples)
