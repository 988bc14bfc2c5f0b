"""Merges and ids equal the definition's, minbpe's rule's and Hugging Face's; text comes back; files are read by both sides."""

import json
import re
import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, trainers

from utils.bpe import BYTE_ORDER, encode, first_occurrence, learn_bytes, learn_words, replace, smaller_ids, spell, train
from utils.data.wikipedia import wikipedia
from utils.tokenizer import CACHED, PieceCache, Tokenizer, from_merges, merge, train_tokenizer
from utils.tokenizer_file import from_dict, load, save, to_dict

HUGS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
EXAMPLE = b"aaabdaaabac"
THREES = r"\p{N}{1,3}|\p{L}+|\s"  # leaves punctuation to the gaps between pieces

# A character that the newest Unicode knows and an older one does not is a letter to one regex library and none to the other
known = st.characters(exclude_categories=("Cs", "Cn")).filter(lambda c: unicodedata.category(c) != "Cn")
texts = st.one_of(
    st.text(st.sampled_from("ab "), max_size=80),  # few letters: many ties, and runs of one letter
    st.text(st.sampled_from("hugspn' \n1é漢🤗"), max_size=80),
    st.text(known, max_size=40),
)
many = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def sample():
    """50,000 characters of the real corpus, from its middle."""
    return wikipedia()[1_500_000:1_550_000]


def huggingface(text, size, specials=()):
    """Their byte-level tokenizer, trained on one string."""
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    theirs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=list(specials), show_progress=False
    )
    theirs.train_from_iterator([text], trainer)
    return theirs


def minbpe(pieces, merges):
    """Karpathy's rule from its definition: count all pairs anew, merge the most frequent, of equals the first one met."""
    pieces, spelled, learned = [list(piece) for piece in pieces], {i: bytes([i]) for i in range(256)}, []
    for new in range(256, 256 + merges):
        counts = {}
        for piece in pieces:
            for pair in pairwise(piece):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        a, b = max(counts, key=counts.get)
        spelled[new] = spelled[a] + spelled[b]
        learned.append((spelled[a], spelled[b]))
        for piece in pieces:
            for i in range(len(piece) - 1):
                if piece[i : i + 2] == [a, b]:
                    piece[i : i + 2] = [new]
    return learned


def pieces_of(text):
    """The text cut by their pre-tokenizer, as bytes."""
    spans = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    return [text[start:stop].encode() for _, (start, stop) in spans]


# Rung one


def test_hugs_to_the_digit():
    merges, words = learn_words(HUGS, 3)
    assert merges == [(("u", "g"), 20), (("u", "n"), 16), (("h", "ug"), 15)]
    assert [" ".join(symbols) for symbols in words.values()] == ["hug", "p ug", "p un", "b un", "hug s"]
    vocabulary = sorted(set("".join(HUGS))) + ["".join(pair) for pair, _ in merges]
    assert vocabulary == ["b", "g", "h", "n", "p", "s", "u", "ug", "un", "hug"]
    everything, words = learn_words(HUGS, 99)
    assert [count for _, count in everything] == [20, 16, 15, 12, 5, 5, 4]
    assert list(words.values()) == [[word] for word in HUGS]
    assert learn_words({}, 3) == ([], {})


def test_replace_goes_from_the_left():
    assert replace([5, 6, 6, 7, 9, 1], (6, 7), 99) == [5, 6, 99, 9, 1]
    assert replace("aaaaa", ("a", "a"), "aa") == ["aa", "aa", "a"]
    assert replace([], (1, 2), 3) == []


# Rung two


def test_the_encyclopedia_example_under_both_tie_rules():
    first = learn_bytes(EXAMPLE, 3)
    assert list(first) == [(97, 97), (256, 97), (257, 98)]
    assert encode(EXAMPLE, first) == [258, 100, 258, 97, 99]
    assert spell(first)[258] == b"aaab"
    smaller = learn_bytes(EXAMPLE, 3, smaller_ids)
    assert list(smaller) == [(97, 97), (97, 98), (256, 257)]  # (aa, a) and (a, b) stand there twice each
    assert encode(EXAMPLE, smaller) == [258, 100, 258, 97, 99]
    assert [train({EXAMPLE: 1}, 259, ties)[1] for ties in (smaller_ids, first_occurrence)] == [(b"a", b"b"), (b"aa", b"a")]


@many
@given(st.text(st.sampled_from("ab é"), max_size=60), st.integers(0, 30))
def test_one_sequence_equals_minbpe(text, merges):
    learned = learn_bytes(text.encode(), merges)
    spelled = spell(learned)
    assert [(spelled[a], spelled[b]) for a, b in learned] == minbpe([text.encode()], merges)
    ids = encode(text.encode(), learned)
    assert b"".join(spelled[i] for i in ids) == text.encode()
    assert not any(pair in learned for pair in pairwise(ids))


# Rung three: training


@many
@given(texts, st.integers(256, 300))
def test_merges_equal_huggingface(text, size):
    theirs = json.loads(huggingface(text, size).to_str())["model"]
    assert to_dict(train_tokenizer(text, size))["model"] == theirs


@many
@given(texts, st.integers(0, 40))
def test_merges_equal_minbpe_under_its_tie_rule(text, merges):
    pieces = pieces_of(text)
    assert train(Counter(pieces), 256 + merges, first_occurrence) == minbpe(pieces, merges)


@pytest.mark.parametrize("size", [256, 257, 1000, 4000, 60_000])
def test_real_text_equals_huggingface(sample, size):
    ours, theirs = train_tokenizer(sample, size), huggingface(sample, size)
    assert to_dict(ours)["model"] == json.loads(theirs.to_str())["model"]
    assert len(ours) <= size
    text = wikipedia()[:100_000]
    assert ours.encode(text) == theirs.encode(text).ids
    assert ours.decode(ours.encode(text)) == text


def test_a_word_with_a_count_is_that_many_words():
    assert (
        train({b"hug": 10, b"pun": 12}, 260) == train({b"pun": 6, b"hug": 5}, 260) == minbpe([b"pun"] * 12 + [b"hug"] * 10, 4)
    )


# Encoding


@many
@given(texts)
def test_ids_equal_the_definition_and_huggingface(text):
    ours, theirs = trained()
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    numbered = {(ours.vocabulary[a], ours.vocabulary[b]): ours.vocabulary[a + b] for a, b in ours.merges}
    assert ids == [i for piece in pieces_of(text) for i in encode([ours.vocabulary[bytes([byte])] for byte in piece], numbered)]


def trained(kept=[]):  # noqa: B006
    """Ours and theirs of 700 tokens, made once."""
    if not kept:
        text = wikipedia()[:30_000]
        kept += [train_tokenizer(text, 700), huggingface(text, 700)]
    return kept


@many
@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8))
def test_merging_equals_the_definition_in_any_order_of_merges(ids, pairs):
    """Also where a merge learned late makes a pair possible that was learned early, and where two make the same token."""
    merges = {pair: 4 + rank % 3 for rank, pair in enumerate(dict.fromkeys(pairs))}
    ranks = {pair: (rank, new) for rank, (pair, new) in enumerate(merges.items())}
    assert merge(ids, ranks) == encode(ids, merges)


def test_a_long_piece_takes_no_square_of_its_length():
    ours, theirs = trained()
    assert ours.encode("the" * 30_000) == theirs.encode("the" * 30_000).ids


def test_the_cache_gives_the_same_ids_and_is_bounded(sample, monkeypatch):
    ours, _ = trained()
    cold = from_merges(ours.merges)
    assert ours.encode(sample) == ours.encode(sample) == cold.encode(sample)
    monkeypatch.setattr("utils.tokenizer.CACHED", 3)
    small = PieceCache(list(range(256)), {})
    assert [small[piece] for piece in ("a", "b", "c", "d", "a")] == [[97], [98], [99], [100], [97]]
    assert len(small) == 2 < CACHED


def test_the_caller_may_change_what_encode_gave():
    ours, _ = trained()
    ids = ours.encode("the")
    ids.append(0)
    assert ours.encode("the") == ids[:-1]


# Decoding


@many
@given(st.one_of(texts, st.text(st.characters(exclude_categories=("Cs",)))), st.sampled_from(["default", "untrained", THREES]))
def test_every_text_comes_back(text, kind):
    ours = {"default": trained()[0], "untrained": from_merges()}.get(kind) or from_merges(trained()[0].merges, pattern=kind)
    assert ours.decode(ours.encode(text)) == text
    assert b"".join(ours.tokens(ours.encode(text))) == text.encode()


@many
@given(st.binary(max_size=40))
def test_any_bytes_come_back_and_what_is_no_utf8_is_replaced(data):
    ours, theirs = trained()
    ids = [ours.vocabulary[bytes([byte])] for byte in data]
    assert ours.decode_bytes(ids) == data
    assert ours.decode(ids) == data.decode("utf-8", errors="replace") == theirs.decode(ids)


def test_an_untrained_tokenizer_numbers_bytes_as_gpt2_does():
    ours = from_merges()
    assert len(ours) == 256
    assert ours.encode("!~ é") == [0, 93, BYTE_ORDER.index(32), *map(BYTE_ORDER.index, "é".encode())]
    assert ours.encode("") == ours.encode("", specials="allow") == []
    assert ours.decode([]) == ""


# Special tokens


def test_special_tokens_under_each_policy():
    ours = from_merges([(b"a", b"b")], ["<end>", "<end>>", "."])
    assert ours.specials == {"<end>": 257, "<end>>": 258, ".": 259}
    assert ours.encode("ab<end>ab<end>><end>.", specials="allow") == [256, 257, 256, 258, 257, 259]  # the longest first
    assert ours.encode("<end>ab", specials="text") == [*map(BYTE_ORDER.index, b"<end>"), 256]
    assert ours.encode("ab<end") == [256, *map(BYTE_ORDER.index, b"<end")]
    with pytest.raises(ValueError, match=re.escape("text holds the special token '<end>' at place 2; expected none, or")):
        ours.encode("ab<end>")
    with pytest.raises(ValueError, match="specials is 'all'; expected 'refuse', 'allow' or 'text'"):
        from_merges().encode("ab", specials="all")
    for specials in ("allow", "text"):
        assert ours.decode(ours.encode("ab<end>>ab.", specials=specials)) == "ab<end>>ab."


def test_special_tokens_are_counted_in_the_size_and_cut_out_of_the_text():
    ours = train_tokenizer("<end>".join(["abab"] * 9), 259, ["<end>"])
    assert ours.merges == [(b"a", b"b"), (b"ab", b"ab")]
    assert ours.specials == {"<end>": 258}
    assert len(ours) == 259


# Files

KINDS = {
    "trained": lambda: trained()[0],
    "untrained": from_merges,
    "special tokens": lambda: from_merges(trained()[0].merges, ["<end>", "<end>>", "<a b>", "漢"]),
    "another pattern": lambda: from_merges(trained()[0].merges, ["<end>"], THREES),
}
TEXT = "The hug's 12345 pugs,  <a b><end>é!<end>>\n\n 漢字 🤗\t<en"


@pytest.mark.parametrize("kind", KINDS)
def test_they_read_our_file_and_we_read_theirs(kind, tmp_path):
    ours = KINDS[kind]()
    save(ours, tmp_path / "ours.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "ours.json"))
    theirs.save(str(tmp_path / "theirs.json"))
    for again in (load(tmp_path / "ours.json"), load(tmp_path / "theirs.json")):
        assert vars(again).keys() == vars(ours).keys()
        for name in ("vocabulary", "merges", "specials", "pattern"):
            assert getattr(again, name) == getattr(ours, name), name
        for text in (TEXT, "", "<end>>"):
            ids = theirs.encode(text).ids
            assert again.encode(text, specials="allow") == ids == ours.encode(text, specials="allow")
            assert again.decode(ids) == theirs.decode(ids, skip_special_tokens=False) == text


def test_we_read_what_they_trained_with_special_tokens_first(sample, tmp_path):
    theirs = huggingface(sample, 600, ["<pad>", "<end>"])
    theirs.add_special_tokens(["<late>"])
    theirs.save(str(tmp_path / "theirs.json"))
    ours = load(tmp_path / "theirs.json")
    assert ours.specials == {"<pad>": 0, "<end>": 1, "<late>": 600}
    text = f"{sample[:2000]}<late>{sample[2000:3000]}<end><pad>"
    assert ours.encode(text, specials="allow") == theirs.encode(text).ids
    assert ours.decode(theirs.encode(text).ids) == text


def test_older_files_write_merges_with_a_space():
    contents = to_dict(trained()[0])
    contents["model"]["merges"] = [" ".join(pair) for pair in contents["model"]["merges"]]
    del contents["model"]["ignore_merges"], contents["truncation"]
    contents["model"]["continuing_subword_prefix"] = ""
    assert from_dict(contents).merges == trained()[0].merges


def changed(path, value):
    """A file's contents with one field, given by its path, changed; ... takes it away."""
    contents = to_dict(from_merges([(b"a", b"b")], ["<end>"]))
    *way, last = path
    inner = contents
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return contents


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["model"], ..., "the field 'model' is missing"),
        (["model", "type"], "WordPiece", "model.type is 'WordPiece'; expected 'BPE'"),
        (["model", "vocab"], ..., "the field 'vocab' is missing"),
        (["model", "vocab", "a"], ..., "vocabulary lacks the byte b'a'"),
        (["model", "vocab", "a"], "0", "the field 'a' is of type str; expected int"),
        (["model", "vocab", "a"], True, "the field 'a' is of type bool; expected int"),
        (["model", "vocab", "b"], 64, "give two tokens one id"),
        (["model", "vocab", "漢"], 999, "the token '漢' has '漢', which stands for no byte"),
        (["model", "vocab", "<end>"], 3, "added_tokens gives '<end>' the id 257, and vocab 3"),
        (["model", "merges"], None, "the field 'merges' is of type NoneType; expected list"),
        (["model", "merges"], [["a", "c"]], "merges has (b'a', b'c'), but b'ac' is not in the vocabulary"),
        (["model", "merges"], ["a b c"], "merges has 'a b c'; expected two tokens"),
        (["model", "merges"], [3], "merges has 3; expected two tokens"),
        (["model", "byte_fallback"], True, "model.byte_fallback is True; expected False"),
        (["normalizer"], {"type": "NFC"}, "normalizer is {'type': 'NFC'}; expected None"),
        (["pre_tokenizer"], {"type": "Whitespace"}, "expected a ByteLevel with add_prefix_space false"),
        (["pre_tokenizer", "add_prefix_space"], True, "expected a ByteLevel with add_prefix_space false"),
        (["pre_tokenizer", "use_regex"], False, "expected a ByteLevel, or one isolated Split by a Regex before it"),
        (["added_tokens", 0, "lstrip"], True, "added token '<end>': lstrip is True; expected False"),
        (["added_tokens", 0, "id"], ..., "the field 'id' is missing"),
        (["added_tokens"], ["<end>"], "'<end>' stands where an object with the field 'content' was expected"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason(path, value, message, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        load(tmp_path / "bad.json")
    assert "bad.json holds no byte-level BPE tokenizer: " in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_what_is_no_file_of_this_kind_is_refused(text, tmp_path):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ValueError, match=r"bad\.json holds no byte-level BPE tokenizer: "):
        load(tmp_path / "bad.json")


def test_a_special_token_that_a_file_could_not_tell_apart_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=re.escape("specials holds 'Ġ', which in the file is the token b' '")):
        save(from_merges(specials=["Ġ"]), tmp_path / "ours.json")
    assert not (tmp_path / "ours.json").exists()


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train_tokenizer("ab", 255), "size is 255; expected at least 256: 256 bytes and 0 special tokens"),
        (
            lambda: train_tokenizer("ab", 257, ["<a>", "<b>"]),
            "size is 257; expected at least 258: 256 bytes and 2 special tokens",
        ),
        (lambda: train_tokenizer("ab", 300, ["<a>", "<a>"]), "specials is ['<a>', '<a>']; expected distinct tokens"),
        (lambda: train_tokenizer("ab", 300, "<a>"), "specials is '<a>'; expected distinct tokens, each a string"),
        (lambda: from_merges(specials=[""]), "specials holds the empty text"),
        (lambda: from_merges([(b"xy", b"z")]), "merges has (b'xy', b'z'), but b'xy' is not in the vocabulary"),
        (lambda: from_merges(pattern="("), "pattern is '(', which is no regular expression"),
        (lambda: from_merges(pattern="(a)|b"), "pattern is '(a)|b', which captures groups"),
        (lambda: from_merges(pattern="a*"), "pattern is 'a*', which matches the empty text"),
        (lambda: Tokenizer({}, [], {}), r"vocabulary lacks the byte b'\x00'"),
        (lambda: from_merges().encode("ab\ud800"), r"text has '\ud800' at place 2, half of a surrogate pair"),
        (lambda: from_merges().decode([0, 256]), "ids has 256 at place 1, which is none of the 256 ids"),
        (lambda: from_merges().decode([-1]), "ids has -1 at place 0"),
        (lambda: train({b"a": 1}, 255), "size is 255; expected at least 256"),
        (lambda: train({b"a": 0}, 256), "words has a count of 0; expected at least 1"),
        (lambda: learn_bytes(b"ab", -1), "merges is -1; expected at least 0"),
        (lambda: learn_words({"ab": 0}, 1), "expected at least 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_bytes_are_no_text():
    with pytest.raises(TypeError, match="text is of type bytes; expected a str"):
        from_merges().encode(b"ab")


def test_places_count_bytes_which_merges_do_not_move():
    """The rule takes pairs that begin with an odd id last, so that early merges come between two that wait."""
    word = b"abxyabdfecdfec"

    def last(pair, place):
        return ord(pair[0]) % 2, place(pair)

    def definition(pair, place):  # in learn_bytes a byte is its own id
        return (pair[0] if pair[0] >= 256 else BYTE_ORDER.index(pair[0])) % 2, place(pair)

    learned = learn_bytes(word, 20, definition)
    spelled = spell(learned)
    assert train({word: 1}, 276, last) == [(spelled[a], spelled[b]) for a, b in learned]


@pytest.mark.parametrize("pattern", [r"\b", r"\b|x", "(?=a)", "(?<=a)"])
def test_a_pattern_that_would_lose_characters_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern is"):
        from_merges(pattern=pattern).encode("an a x")


def test_special_tokens_in_the_text_are_not_learned_from():
    assert train_tokenizer("<end>".join(["ab"] * 9), 300, ["<end>"]).merges == [(b"a", b"b")]
    twice = [(b"a", b"b"), (b"b", b"c"), (b"ab", b"c"), (b"a", b"bc")]
    assert from_merges(twice, ["<e>"]).specials == {"<e>": 259}
