import json
import random
import re
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import pytest
import tokenizers

from utils import bpe
from utils.figures import embed as embedding
from utils.figures.merges import EXAMPLES, LONGEST, MOST, merges_figure

pytest_plugins = ["browser"]

HUGS = "hug*10 pug*5 pun*12 bun*4 hugs*5"
PARAGRAPH = next(text for name, text, _ in EXAMPLES if name == "a paragraph")
FOREIGN = "naïve nai\u0308ve cafe\u0301 été \u0301 👩‍👩‍👧 👩‍👧 👋🏽 👋 日本語 日本 \ue000\U0001f600 \U0001f600\ue000 \xad 1*2*3"
LETTERS = random.Random(4).choices("abc", k=600)
TEXTS = {
    "hugs": HUGS,
    "a paragraph": PARAGRAPH,
    "beyond English": FOREIGN,
    "no word": " \n ",
    "one letter": "a",
    "one word": "banana",
    "one letter, repeated": "aaaa aaaaa*3 aaaaaaa",
    "ties": "aaabdaaabac cabaaadbaaa",
    "a long word": "".join(LETTERS),
}


def default_figure(**options):
    return merges_figure(HUGS, "mugs", **options)


def page_state(page, figure=0):
    return json.loads(page.locator("figure.interactive").nth(figure).evaluate("(figure) => JSON.stringify(figure.state)"))


def choose(page, text=None, symbols=None, ties=None, t=None):
    if text is not None:
        page.get_by_label("A text").fill(text)
    if symbols is not None:
        page.get_by_label("symbols at first").select_option(symbols)
    if ties is not None:
        page.get_by_label("of equal pairs").select_option(ties)
    if t is not None:
        page.get_by_role("slider").fill(str(t))


def words_of(text, symbols):
    """The counted words, in bytes each byte a character, as the page writes them."""
    counts = Counter()
    for piece in text.split():
        word, star, times = piece.rpartition("*")
        starred = word and star and re.fullmatch("[1-9][0-9]{0,3}", times)
        counts[word if starred else piece] += int(times) if starred else 1
    return {as_symbols(word, symbols): count for word, count in counts.items()}


def as_symbols(word, symbols):
    return word.encode().decode("latin-1") if symbols == "bytes" else word


def learned(words, symbols, ties):
    """The pairs in the order in which they are merged, by other hands than the page's."""
    if ties == "met":
        return [pair for pair, _ in bpe.learn_words(words, MOST)[0]]
    if symbols == "bytes":
        merges = bpe.train({word.encode("latin-1"): count for word, count in words.items()}, 256 + MOST)
        return [tuple(token.decode("latin-1") for token in pair) for pair in merges]
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    alphabet = len(set("".join(words)))
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=alphabet + MOST, show_progress=False)
    theirs.train_from_iterator([" ".join([word] * count) for word, count in words.items()], trainer)
    return [tuple(pair) for pair in json.loads(theirs.to_str())["model"]["merges"]]


def assert_pages_are_python(states, text, symbols, ties):
    """All that the page counts after some merges, from the pairs alone that were to be merged -> these pairs."""
    words = words_of(text, symbols)
    pairs, table = learned(words, symbols, ties), {word: list(word) for word in words}
    alphabet = list(map(chr, bpe.BYTE_ORDER)) if symbols == "bytes" else sorted(set("".join(words)))
    totals, merges, tables, counts = [], [], [], []  # after 0, 1, 2 ... merges
    for pair in [*pairs, None]:
        found = Counter()
        for word, row in table.items():
            for neighbours in pairwise(row):
                found[neighbours] += words[word]
        totals.append(sum(words[word] * len(row) for word, row in table.items()))
        tables.append([{"symbols": row, "count": words[word]} for word, row in table.items()])
        counts.append(found)
        if pair:
            tied = Counter(found.values())[max(found.values())]
            merges.append({"pair": list(pair), "count": found[pair], "token": "".join(pair), "tied": tied})
            table = {word: bpe.replace(row, pair, "".join(pair)) for word, row in table.items()}
    for state in states:
        now = state["now"]
        assert (state["end"], state["totals"], state["tokens"]) == (len(pairs), totals, totals[now])
        assert (state["table"], state["words"], state["learned"]) == (tables[now], sum(words.values()), merges[:now])
        assert state["vocabulary"] == alphabet + [merge["token"] for merge in merges[:now]]
        assert len(set(state["vocabulary"])) == len(state["vocabulary"])
        assert {tuple(x["pair"]): x["count"] for x in state["ranked"]} == counts[now]
        assert [x["count"] for x in state["ranked"]] == sorted(counts[now].values(), reverse=True)
        assert [tuple(x["pair"]) for x in state["ranked"][:1]] == pairs[now : now + 1] or now == MOST
    return pairs, set(alphabet)


def chips(page, selector):
    """The tokens that are shown, row by row."""
    rows = page.locator(f"{selector} li")
    return rows.evaluate_all("(rows) => rows.map((row) => [...row.querySelectorAll('.token')].map((e) => e.textContent))")


def spoken(page):
    return page.locator("[aria-live=polite]").inner_text().strip()


# --- the numbers


def test_five_words_to_the_digit(opened):
    page = opened(default_figure())
    state = page_state(page)
    assert [("".join(x["pair"]), x["count"]) for x in state["learned"]] == [("ug", 20), ("un", 16), ("hug", 15)]
    assert [row["symbols"] for row in state["table"]] == [["hug"], ["p", "ug"], ["p", "un"], ["b", "un"], ["hug", "s"]]
    assert state["vocabulary"] == ["b", "g", "h", "n", "p", "s", "u", "ug", "un", "hug"]
    assert state["totals"] == [113, 93, 77, 62, 50, 45, 40, 36]
    assert chips(page, ".words") == [row["symbols"] for row in state["table"]]
    assert chips(page, ".vocabulary") == [[token] for token in state["vocabulary"]]
    assert chips(page, ".learned") == [["u", "g", "ug"], ["u", "n", "un"], ["h", "ug", "hug"]]
    assert page.locator(".tokens").inner_text() == "62 tokens for 36 words: 1.72 per word"
    assert page.locator(".last").inner_text() == "Merge 3: h + ug → hug, found 15 times; no other pair is found as often."
    assert page.locator("[data-last]").evaluate_all("(all) => [...new Set(all.map((e) => e.textContent))]") == ["hug"]


@pytest.mark.parametrize("ties", ["met", "ids"])
@pytest.mark.parametrize("symbols", ["characters", "bytes"])
def test_page_learns_and_encodes_as_python_does(opened, symbols, ties):
    page = opened(default_figure(merges=0))
    choose(page, symbols=symbols, ties=ties)
    other = "mugs unlikeliest 👩‍👧 naïve aaaaaa bananas"
    page.get_by_label("Encode another word").fill(other)
    for text in TEXTS.values():
        page.get_by_role("button", name="start").click(force=True)
        choose(page, text)
        states = [page_state(page)]
        choose(page, t=min(7, states[0]["end"]))
        states.append(page_state(page))
        page.get_by_role("button", name="end").click(force=True)
        states.append(page_state(page))
        assert [state["now"] for state in states] == [0, min(7, states[0]["end"]), states[0]["end"]]
        pairs, alphabet = assert_pages_are_python(states, text, symbols, ties)
        for state in states:
            merges = {pair: "".join(pair) for pair in pairs[: state["now"]]}
            encoded = [bpe.encode(as_symbols(word, symbols), merges) for word in other.split()]
            assert [way[-1]["symbols"] for way in state["ways"]] == encoded
            assert set(state["unknown"]) == set(chain(*encoded)) - alphabet - {*merges.values()}


def test_the_two_rules_for_ties_part(opened):
    page = opened(merges_figure("aaabdaaabac", "aaaac", merges=2))
    pairs = lambda: [tuple(x["pair"]) for x in page_state(page)["learned"]]  # noqa: E731
    assert pairs() == [("a", "a"), ("aa", "a")]
    assert "of 2 pairs found as often, it stands first in the text" in page.locator(".last").inner_text()
    assert chips(page, ".way")[-1] == ["aa", "aa", "c"]
    choose(page, ties="ids")
    assert pairs() == [("a", "a"), ("a", "b")]
    assert "of 2 pairs found as often, it has the smaller ids" in page.locator(".last").inner_text()


def test_a_star_stands_for_so_many_words(opened):
    page = opened(default_figure(merges=0))
    choose(page, "hug*10 hug hug*0 *5 a*b*2 x*9999 x*10000 hug*1.5")
    got = [("".join(row["symbols"]), row["count"]) for row in page_state(page)["table"]]
    assert got == [("hug", 11), ("hug*0", 1), ("*5", 1), ("a*b", 2), ("x", 9999), ("x*10000", 1), ("hug*1.5", 1)]
    assert page.locator(".counted").inner_text().startswith("10,016 words, 7 distinct.")


def test_at_most_so_many_merges(opened):
    page = opened(merges_figure("".join(random.Random(1).choices("abcdefghij", k=LONGEST)), "abc", merges=MOST))
    state = page_state(page)
    assert (state["now"], state["end"], len(state["ranked"]) > 1) == (MOST, MOST, True)
    assert page.locator(".why").inner_text().startswith("The page stops here; the first would be next: ")
    assert "The box is full: it takes 3,000 characters." in page.locator(".counted").inner_text()
    assert page.get_by_label("A text").get_attribute("maxlength") == str(LONGEST)


def test_bars_and_curve_are_as_long_as_their_numbers(opened):
    page = opened(default_figure())
    shares = page.locator(".pairs i").evaluate_all("(all) => all.map((e) => +e.style.getPropertyValue('--share'))")
    assert shares == pytest.approx([1, 5 / 12, 5 / 12, 4 / 12], abs=1e-5)
    widths = page.locator(".pairs i").evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().width)")
    assert [width / widths[0] for width in widths] == pytest.approx(shares, abs=0.01)
    assert page.locator(".pairs li small").all_inner_texts() == ["next", "", "", ""]
    floor, later, before, now = page.locator("svg path").evaluate_all("(all) => all.map((e) => e.getAttribute('d'))")
    points = [(100 * i / 7, 100 - 100 * n / 113) for i, n in enumerate([113, 93, 77, 62, 50, 45, 40, 36])]
    for path, expected in ((before, points[:4]), (later, points[3:])):
        numbers = [float(x) for x in re.findall(r"[\d.]+", path)]
        assert numbers == pytest.approx([x for point in expected for x in point], abs=1e-5)
    assert float(floor.removeprefix("M0 ").removesuffix("H100")) == pytest.approx(100 - 100 * 36 / 113, abs=1e-5)
    assert float(now.removeprefix("M").removesuffix(" 0V100")) == pytest.approx(300 / 7, abs=1e-5)


# --- what is shown


def test_another_word_falls_apart(opened):
    page = opened(default_figure())
    assert chips(page, ".way") == [["m", "u", "g", "s"], ["m", "ug", "s"]]
    assert page.locator(".encoded").inner_text() == "3 tokens. Unknown, as the text does not have it: m"
    assert page.locator(".way .unknown").all_inner_texts() == ["m", "m"]
    assert page.locator(".unknown").first.evaluate("(e) => getComputedStyle(e).borderStyle") == "dashed"
    choose(page, symbols="bytes")
    assert page.locator(".encoded").inner_text() == "3 tokens."  # no byte is unknown
    page.get_by_label("example").select_option("shared endings")
    page.get_by_role("button", name="end").click()
    page.get_by_role("button", name="back").click()
    assert chips(page, ".way")[-1] == ["low", "est"]
    page.get_by_label("Encode another word").fill("")
    assert (chips(page, ".way"), page.locator(".encoded").inner_text()) == ([], "")


def test_how_tokens_are_written(opened):
    page = opened(merges_figure("é e\u0301 👩‍👩 <b> \xad", "é", merges=0))
    assert chips(page, ".words") == [["é"], ["e", "◌\u0301"], ["👩", "U+200D", "👩"], ["<", "b", ">"], ["U+AD"]]
    page.get_by_role("button", name="end").click()
    assert chips(page, ".words")[2:4] == [["👩‍👩"], ["<b>"]]
    choose(page, symbols="bytes", t=0)
    assert chips(page, ".words")[:2] == [["\\xc3", "\\xa9"], ["e", "\\xcc", "\\x81"]]
    assert page.locator(".size").inner_text() == "All 256 bytes, and those shown: 256 tokens."
    choose(page, "日本", t=4)
    assert chips(page, ".learned")[-1] == ["日\\xe6", "\\x9c", "日\\xe6\\x9c"]
    choose(page, t=5)
    assert chips(page, ".words") == [["日本"]]


def test_no_word(opened):
    page = opened(default_figure())
    choose(page, "")
    assert page.locator(".counted").inner_text().startswith("0 words, 0 distinct.")
    assert page.locator(".last").inner_text() == "No words yet."
    assert page.locator(".tokens").inner_text() == "0 tokens for 0 words: 0.00 per word"
    assert "NaN" not in page.locator("figure").inner_html()
    assert page.locator(".way .unknown").count() == 4
    choose(page, HUGS)
    assert page_state(page)["now"] == 3  # the merges asked for are shown as soon as there are so many again


# --- operated


def test_buttons_slider_and_what_is_said(opened):
    page = opened(default_figure())
    page.get_by_role("button", name="start").focus()
    tokens = "62 tokens for 36 words: 1.72 per word. Next: p and un, 12 times."
    other = "The other word: 3 tokens. Unknown, as the text does not have it: m"
    assert spoken(page) == f"Merge 3 of 7: h and ug, 15 times. {tokens} {other}"
    for name, t in [("step", 4), ("back", 3), ("start", 0), ("back", 0), ("step", 1), ("end", 7), ("step", 7), ("back", 6)]:
        page.get_by_role("button", name=name).click(force=True)
        assert page_state(page)["now"] == t
        assert page.locator(".steps b").inner_text() == f"merge {t} of 7"
        assert page.get_by_role("slider").input_value() == str(t)
        disabled = [page.get_by_role("button", name=n).get_attribute("aria-disabled") for n in ("start", "back", "step", "end")]
        assert disabled == [str(end).lower() for end in (t == 0, t == 0, t == 7, t == 7)]
        assert spoken(page).startswith(f"Merge {t} of 7:" if t else "No merge.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Merges"
    for key, t in [("ArrowLeft", 5), ("Home", 0), ("ArrowRight", 1), ("End", 7)]:
        page.keyboard.press(key)
        assert page_state(page)["now"] == t
    assert page.locator(".why").inner_text() == "None: each word is one token."
    assert spoken(page).startswith("Merge 7 of 7: b and un, 4 times. 36 tokens for 36 words: 1.00 per word. The other word:")
    for label in ("Words as tokens", "Merges", "Vocabulary"):
        page.keyboard.press("Tab")  # what scrolls can take the focus
        assert page.evaluate("document.activeElement.ariaLabel") == label
    page.keyboard.press("Tab")
    page.keyboard.type("x")
    page.keyboard.press("Enter")  # nothing is sent
    assert page_state(page)["encoded"] == ["x"]  # what was there was selected


def test_examples(opened):
    page = opened(default_figure())
    example = page.get_by_label("example")
    for name, text, word in EXAMPLES:
        example.select_option(name)
        assert page.get_by_label("A text").input_value() == text
        assert page.get_by_label("Encode another word").input_value() == word
        assert page_state(page)["words"] == sum(words_of(text, "characters").values())
        assert page_state(page)["end"] > 3
    choose(page, "a b")
    assert example.input_value() == "own"
    example.select_option("the page's own")
    assert page_state(page)["words"] == 36


# --- in a page


@pytest.mark.parametrize("width", [320, 360, 600, 1000])
def test_fits_the_window(opened, width):
    page = opened(default_figure(), viewport={"width": width, "height": 800})
    measure = "(all) => Math.max(...all.map((e) => e.getBoundingClientRect().right))"
    long = "W" * 60 + " W*9999 " + "日" * 99
    for text, symbols, t in [(FOREIGN, "bytes", 20), (long, "bytes", 6), (PARAGRAPH, "characters", 60)]:
        choose(page, text, symbols, t=t)
        page.get_by_label("Encode another word").fill("W" * 60)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("figure *:not(svg, svg *)").evaluate_all(measure) <= width
    page.get_by_role("button", name="end").click()
    ends = page.locator("ol").evaluate_all("(all) => all.map((e) => e.scrollWidth - e.clientWidth)")
    assert ends == [0] * 5


CONTRASTS = """(all) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const light = (colour) => {  // relative luminance (WCAG 2)
        context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return all.map((e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor].map(light))
        .map(([ink, ground]) => (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_token_is_readable(opened, scheme):
    page = opened(merges_figure(PARAGRAPH, "zebra", merges=MOST), color_scheme=scheme)
    colours = page.locator(".vocabulary .merged").evaluate_all("(all) => all.map((e) => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) > 100
    assert min(page.locator(".token").evaluate_all(CONTRASTS)) >= 7
    ground = page.locator("figure").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_two_figures_share_nothing(opened):
    page = opened(default_figure(), default_figure())
    page.get_by_label("A text").nth(1).fill("aaaa")
    page.get_by_label("symbols at first").nth(1).select_option("bytes")
    page.get_by_role("button", name="start").nth(1).click()
    assert (page_state(page, 0)["words"], page_state(page, 0)["now"], len(page_state(page, 0)["vocabulary"])) == (36, 3, 10)
    assert (page_state(page, 1)["words"], page_state(page, 1)["now"], len(page_state(page, 1)["vocabulary"])) == (1, 0, 256)


def test_no_global_is_left_behind_and_every_control_has_a_name(opened):
    page = opened(default_figure())
    source = (Path(embedding.__file__).parent / "merges.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"learn", "merges"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []
    unnamed = "[...document.querySelectorAll('input, select, textarea')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    image = page.get_by_role("img").get_attribute("aria-label")
    assert image.startswith("Tokens of the text against merges. 62 tokens for 36 words: 1.72 per word. From 113 before")
    moving = "[...document.querySelectorAll('figure *')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
    assert page.evaluate(moving) == 0


def test_without_html_the_description_stands():
    figure = default_figure()
    assert repr(figure).startswith("Interactive figure: Byte-pair encoding, merge by merge. Each step counts")
    state = json.loads(figure.state)
    assert state["examples"][0] == ["the page's own", HUGS, "mugs"]
    assert (state["merges"], state["most"], state["longest"]) == (3, 200, 3000)
    assert "http" not in figure._repr_html_()
    assert len(figure._repr_html_().encode()) < 30_000


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"text": ["a"]}, TypeError, "text is ['a']; expected a string"),
        ({"text": " \n"}, ValueError, "text has 2 characters; expected at most 3000, and not white space alone"),
        ({"text": "a" * 3001}, ValueError, "text has 3001 characters; expected at most 3000"),
        ({"word": b"a"}, TypeError, "word is b'a'; expected a string"),
        ({"word": ""}, ValueError, "word has 0 characters; expected at most 60"),
        ({"word": "a" * 61}, ValueError, "word has 61 characters; expected at most 60"),
        ({"merges": -1}, ValueError, "merges is -1; expected a whole number from 0 to 200"),
        ({"merges": 201}, ValueError, "merges is 201; expected a whole number from 0 to 200"),
        ({"merges": 2.5}, ValueError, "merges is 2.5; expected a whole number from 0 to 200"),
    ],
)
def test_refuses(change, error, message):
    with pytest.raises(error, match=re.escape(message)):
        merges_figure(**({"text": HUGS, "word": "mugs"} | change))
