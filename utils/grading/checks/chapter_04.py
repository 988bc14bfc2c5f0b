"""Checks of chapter 04, subword tokens. A merge is a pair of symbols or of ids; of ids, the one in place r makes 256 + r."""

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from utils.grading.rooms import Room
from utils.grading.task import mistake, task

Parts = Iterator[tuple[str, object]]
Pair = tuple[int, int]
Table = dict[tuple[str, ...], int]


def letters(rng: np.random.Generator, count: int) -> list[str]:
    """Different letters, in no order."""
    return [chr(97 + i) for i in rng.permutation(26)[:count]]


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Different words of three to five letters."""
    beginnings = letters(rng, count)
    return [first + "".join(letters(rng, int(rng.integers(2, 5)))) for first in beginnings]


# 04.1 Counting pairs


def count_by_places(words: Table) -> dict:
    places = [(word[i : i + 2], count) for word, count in words.items() for i in range(len(word) - 1)]
    return {pair: sum(count for other, count in places if other == pair) for pair, _ in places}


def count_with(pairs_of: Callable = pairwise, weigh: Callable = lambda before, count: before + count) -> Callable:
    """Other pairs_of(word), or another weigh(what was counted before, the word's count)."""

    def count_pairs(words):
        counts = {}
        for word, count in words.items():
            for pair in pairs_of(word):
                counts[pair] = weigh(counts.get(pair, 0), count)
        return counts

    return count_pairs


def apart(word: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The pairs, one that overlaps with its like left out."""
    last = {}
    for i, pair in enumerate(pairwise(word)):
        if last.get(pair) != i - 1:
            last[pair] = i
            yield pair


def one_long_word(words: dict) -> Table:
    return {tuple(chain.from_iterable(tuple(word) * count for word, count in words.items())): 1}


@task(
    "04.1",
    oracle={"count_pairs": count_by_places},
    mistakes={
        "words counted once": mistake(
            "A word that occurs ten times brings its pairs ten times. Look at what you add for each pair.",
            count_pairs=count_with(weigh=lambda before, count: before + 1),
        ),
        "the count of the last word": mistake(
            "The same pair occurs in several words. Look at what becomes of the earlier count when you meet it again.",
            count_pairs=count_with(weigh=lambda before, count: count),
        ),
        "once a word": mistake(
            "A pair can occur several times in one word. Look at what a set, or an `in`, does to the second time.",
            count_pairs=count_with(lambda word: dict.fromkeys(pairwise(word))),
        ),
        "no overlap": mistake(
            "Three equal symbols in a row: how many places have an equal neighbour on their right? Count them with a pencil.",
            count_pairs=count_with(apart),
        ),
        "every second place": mistake(
            "The second symbol of one pair is the first of the next. Look at how far you step.",
            count_pairs=count_with(lambda word: zip(word[::2], word[1::2])),
        ),
        "the last pair left out": mistake(
            "A word of three symbols has two pairs. Look at where your loop ends.",
            count_pairs=count_with(lambda word: list(pairwise(word))[:-1]),
        ),
        "the first word only": mistake(
            "Every word of the table counts. Look at where your function returns.",
            count_pairs=lambda words: count_by_places(dict(list(words.items())[:1])),
        ),
        "across words": mistake(
            "The end of a word and the beginning of the next are no neighbours. Look at what you line up before you count.",
            count_pairs=lambda words: count_by_places(one_long_word(words)),
        ),
        "the order forgotten": mistake(
            "A pair has a left and a right symbol. Look at what you do to a pair before you count it.",
            count_pairs=count_with(lambda word: (tuple(sorted(pair)) for pair in pairwise(word))),
        ),
        "letters in place of symbols": mistake(
            "A symbol can be longer than one letter. Look at what you take apart: the word, or its text.",
            count_pairs=count_with(lambda word: pairwise("".join(word))),
        ),
        "the pair glued together": mistake(
            "From the text of a pair one cannot tell where it was joined. Look at the keys of your dictionary.",
            count_pairs=count_with(lambda word: map("".join, pairwise(word))),
        ),
    },
)
def count_pairs(room: Room, rng: np.random.Generator) -> Parts:
    a, b, c, d = letters(rng, 4)
    n = (2 + rng.permutation(7)).tolist()
    counts = room.call("count_pairs", {(a, b, c): n[0], (b, c, d, a): n[1], (c, b): n[2], (d, a): n[3]})
    yield "the pairs that occur", sorted(counts)
    yield "how often each occurs in all words", [counts[pair] for pair in sorted(counts)]
    counts = room.call("count_pairs", {(a, b, a, b, a): n[0], (c, c, c): n[1], (d, d, d, d, c): n[2]})
    yield "a pair that occurs again in its word", [counts[pair] for pair in sorted(counts)]
    counts = room.call("count_pairs", {(a, b + c): n[0], (a + b, c): n[1], (d, a + b, c): n[2]})
    yield "symbols of several letters", sorted(counts)
    yield "how often their pairs occur", [counts[pair] for pair in sorted(counts)]
    yield "words of one symbol", sorted(room.call("count_pairs", {(a,): n[0], (b + c,): n[1]}))


# 04.2 Merging a pair


def merge_by_scan(ids: Sequence, pair: tuple, new: object) -> list:
    merged, i = [], 0
    while i < len(ids):
        here = tuple(ids[i : i + 2]) == tuple(pair)
        merged.append(new if here else ids[i])
        i += 2 if here else 1
    return merged


def merge_first(ids: Sequence, pair: tuple, new: object) -> list:
    at = next((i for i, here in enumerate(pairwise(ids)) if here == tuple(pair)), len(ids))
    return [*ids[:at], new, *ids[at + 2 :]] if at < len(ids) else list(ids)


def merge_from_right(ids: Sequence, pair: tuple, new: object) -> list:
    return merge_by_scan(ids[::-1], pair[::-1], new)[::-1]


def merge_either(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged, i = [], 0
    while i < len(ids):
        here = sorted(ids[i : i + 2]) == sorted(pair)
        merged.append(new if here else ids[i])
        i += 2 if here else 1
    return merged


def merge_overlapping(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    places = {i for i, here in enumerate(pairwise(ids)) if here == tuple(pair)}
    return [new if i in places else ids[i] for i in range(len(ids)) if i in places or i - 1 not in places]


def merge_by_the_first(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged, i = [], 0
    while i < len(ids):
        merged.append(new if ids[i] == pair[0] else ids[i])
        i += 2 if ids[i] == pair[0] else 1
    return merged


def without_a_tail(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged = merge_by_scan(ids, pair, new)
    return merged if merged[-1:] == [new] else merged[:-1]


def merge_into(*made: str) -> Callable:
    """A merged pair becomes the ids named: "first" and "second" of the pair, or "new"."""

    def merge(ids, pair, new):
        named = {"first": pair[0], "second": pair[1], "new": new}
        return [x for i in merge_by_scan(ids, pair, new) for x in ([named[m] for m in made] if i == new else [i])]

    return merge


@task(
    "04.2",
    oracle={"merge": merge_by_scan},
    mistakes={
        "nothing merged": mistake(
            "No pair is found. A list and a tuple are never equal: look at what you compare with what.",
            merge=lambda ids, pair, new: list(ids),
        ),
        "the first place only": mistake(
            "The pair can stand in several places. Look at what stops you after the first.",
            merge=merge_first,
        ),
        "from the right": mistake(
            "In a run of three equal ids the first two are merged. Look at the end from which you begin.",
            merge=merge_from_right,
        ),
        "the pair turned round": mistake(
            "pair[0] stands on the left. Look at which neighbour you compare with which.",
            merge=lambda ids, pair, new: merge_by_scan(ids, pair[::-1], new),
        ),
        "in either order": mistake(
            "(p, q) and (q, p) are different pairs. Look at how you compare.",
            merge=merge_either,
        ),
        "overlapping places": mistake(
            "An id that was merged is used up. Look at where you go on after a merge.",
            merge=merge_overlapping,
        ),
        "the first of the pair is enough": mistake(
            "Find a place of yours where the first id of the pair stands and another id follows it.",
            merge=merge_by_the_first,
        ),
        "every second place": mistake(
            "A pair can begin at any place, odd or even. Look at how far you step where there is nothing to merge.",
            merge=lambda ids, pair, new: list(
                chain.from_iterable(
                    [new] if tuple(ids[i : i + 2]) == tuple(pair) else ids[i : i + 2] for i in range(0, len(ids), 2)
                )
            ),
        ),
        "the last id lost": mistake(
            "The last id has no right neighbour, and it is there all the same. Look at where your loop ends.",
            merge=without_a_tail,
        ),
        "the second id left behind": mistake(
            "The new id stands for both. Look at what you do with the second id of the pair.",
            merge=merge_into("new", "second"),
        ),
        "a new id for each of the two": mistake(
            "Two ids become one. Count the new ids.",
            merge=merge_into("new", "new"),
        ),
        "the first id in place of the new one": mistake(
            "Of the pair, the left id is still there. Look at whether the new one ever enters your list.",
            merge=merge_into("first"),
        ),
        "the second id in place of the new one": mistake(
            "Of the pair, the right id is still there. Look at whether the new one ever enters your list.",
            merge=merge_into("second"),
        ),
    },
)
def merge(room: Room, rng: np.random.Generator) -> Parts:
    p, q, x, y, z = rng.permutation(256)[:5].tolist()
    new = 256 + int(rng.integers(100))
    yield "one place", room.call("merge", [x, p, q, y, q, p, z], (p, q), new)
    yield "several places", room.call("merge", [p, q, x, p, q, p, q, y, z, q, p, q, z], (p, q), new)
    yield "equal ids in a row", room.call("merge", [p, p, p, x, p, p, p, p, y, p, p, p, p, p], (p, p), new)
    yield "at the end", [room.call("merge", ids, (p, q), new) for ids in ([x, p, q], [x, q, p], [x, y, p], [p, q])]
    yield "too short for a pair", [room.call("merge", ids, (p, q), new) for ids in ([p], [])]


# 04.3 Training


def merge_symbols(word: tuple, pair: tuple, merge: Callable = merge_by_scan) -> tuple:
    return tuple(merge(word, pair, "".join(pair)))


def merge_in_text(word: tuple, pair: tuple) -> tuple:
    return tuple(" ".join(word).replace(" ".join(pair), "".join(pair)).split(" "))


def train_with(
    count: Callable = count_with(),  # noqa: B008 - a function made once
    choose: Callable = lambda counts: min(counts, key=lambda pair: (-counts[pair], pair)),
    merge: Callable = merge_symbols,
    begin: Callable = lambda words: {tuple(word): count for word, count in words.items()},
) -> Callable:
    """Another count(table) -> counts, choose(counts) -> pair, merge(word, pair) -> word, or begin(words) -> table."""

    def train(words, k):
        table, merges = begin(words), []
        while len(merges) < k and (counts := count(table)):
            pair = choose(counts)
            merges.append((pair, counts[pair]))
            table = {merge(word, pair): n for word, n in table.items()}
        return merges

    return train


def first_counts(words: dict[str, int], k: int) -> list:
    counts = count_by_places({tuple(word): n for word, n in words.items()})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:k]


@task(
    "04.3",
    oracle={"train": train_with(count_by_places)},
    mistakes={
        "words counted once": mistake(
            "A frequent word has a greater say than a rare one. Look at what each word adds to a pair's count.",
            train=train_with(count_with(weigh=lambda before, count: before + 1)),
        ),
        "once a word": mistake(
            "A pair that occurs twice in a word counts twice. Look at what you go through: places, or different pairs.",
            train=train_with(count_with(lambda word: dict.fromkeys(pairwise(word)))),
        ),
        "no overlap in the counts": mistake(
            "When you count, every place counts, overlapping or not. Look at a run of equal symbols, and at 04.1.",
            train=train_with(count_with(apart)),
        ),
        "ties to the first seen": mistake(
            "Write the words in another order: your merges change. Look at what decides between equal counts.",
            train=train_with(choose=lambda counts: max(counts, key=counts.get)),
        ),
        "ties to the largest pair": mistake(
            "Of equal counts the smaller pair comes first. Look at what yours does once the counts are equal.",
            train=train_with(choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair))),
        ),
        "ties by the joined text": mistake(
            "Pairs are compared symbol by symbol, as Python compares tuples. Look at what you compare: pairs, or their text.",
            train=train_with(choose=lambda counts: min(counts, key=lambda pair: (-counts[pair], "".join(pair)))),
        ),
        "counted once and for all": mistake(
            "A merge changes the neighbours of what it merged. Look at the words from which your second pair comes.",
            train=first_counts,
        ),
        "across words": mistake(
            "Words stay apart: no merge reaches over the end of one. Look at what you line up before you count.",
            train=train_with(begin=one_long_word),
        ),
        "merges inside a symbol": mistake(
            "Once merged, a symbol is never taken apart. Look at what becomes of a longer symbol that ends like the pair.",
            train=train_with(merge=merge_in_text),
        ),
        "the first place of a word only": mistake(
            "A merge applies wherever its pair stands. Look at a word that holds the pair twice.",
            train=train_with(merge=lambda word, pair: merge_symbols(word, pair, merge_first)),
        ),
        "merged from the right": mistake(
            "Where places overlap, the left one is merged. Look at a word of five equal letters after your first merge.",
            train=train_with(merge=lambda word, pair: merge_symbols(word, pair, merge_from_right)),
        ),
        "pairs that occur once left out": mistake(
            "Training ends when no pair is left. Look at what ends yours.",
            train=train_with(lambda table: {pair: n for pair, n in count_by_places(table).items() if n > 1}),
        ),
    },
)
def train(room: Room, rng: np.random.Generator) -> Parts:
    f = int(rng.integers(2, 6))
    a, b, c, d, e, g, *_ = sorted(letters(rng, 9))
    h, p, u, n, s, x, y = letters(rng, 7)
    corpora = {
        "five words": ({h + u + x: 10 * f, p + u + x: 5 * f, p + u + n: 12 * f, y + u + n: 4 * f, h + u + x + s: 5 * f}, 4),
        "equal counts": ({b + c: f, a + e: f, d + g: f, a + d: f}, 4),
        "equal counts of longer symbols": ({a + b: 50 * f, a + b + b: 7 * f, a + c: 7 * f}, 3),
        "a pair and a symbol that ends like it": ({h + u: 30 * f, u + n: 20 * f, h + u + n: 10 * f}, 3),
        "equal letters in a row": ({5 * p: 3 * f, p + p + s: 2 * f}, 3),
        "until no pair is left": ({h + u + n: 1, p: f + 1}, 9),
        "no merge": ({h + u: f}, 0),
    }
    for name, (corpus, k) in corpora.items():
        merges = room.call("train", corpus, k)
        yield f"{name}: how often each pair occurred", [count for _, count in merges]
        yield f"{name}: which pairs", [pair for pair, _ in merges]


# 04.4 Encoding


def encode_with(
    choose: Callable = min,
    begin: Callable = lambda text: list(text.encode()),
    merge: Callable = merge_by_scan,
    made: Callable = lambda rank: 256 + rank,
    usable: Callable = lambda pair: True,
    rounds: int | None = None,
) -> Callable:
    """Another choose(ranks of the pairs from the left), begin(text), merge, made(rank), usable(pair), or number of rounds."""

    def encode(text, merges):
        ids, left = begin(text), rounds
        rank = {pair: r for r, pair in enumerate(map(tuple, merges)) if usable(pair)}
        while left != 0 and (ranks := [rank[pair] for pair in pairwise(ids) if pair in rank]):
            best = choose(ranks)
            ids = merge(ids, tuple(merges[best]), made(best))
            left = None if left is None else left - 1
        return ids

    return encode


def spelled(token: int, merges: Sequence[Pair]) -> bytes:
    """The bytes of a token."""
    return bytes([token]) if token < 256 else b"".join(spelled(part, merges) for part in merges[token - 256])


def longest_match(text: str, merges: Sequence[Pair]) -> list[int]:
    tokens = {spelled(token, merges): token for token in range(256 + len(merges))}
    left, ids = text.encode(), []
    while left:
        found = max((piece for piece in tokens if left.startswith(piece)), key=len)
        ids.append(tokens[found])
        left = left[len(found) :]
    return ids


def one_pass(text: str, merges: Sequence[Pair]) -> list[int]:
    left, ids = list(text.encode()), []
    while left:
        here = tuple(left[:2])
        ids.append(256 + merges.index(here) if here in merges else left[0])
        left = left[2 if here in merges else 1 :]
    return ids


def each_merge_once(text: str, merges: Sequence[Pair]) -> list[int]:
    ids = list(text.encode())
    for rank, pair in enumerate(merges):
        ids = merge_first(ids, pair, 256 + rank)
    return ids


@task(
    "04.4",
    oracle={"encode": encode_with()},
    mistakes={
        "the leftmost pair first": mistake(
            "The list of merges says which pair comes first, not the place in the text. Look at which one you take.",
            encode=encode_with(choose=lambda ranks: ranks[0], merge=merge_first),
        ),
        "the longest token from the left": mistake(
            "Encoding repeats the training: a long token may be out of reach. Look at whether the order of the merges matters.",
            encode=longest_match,
        ),
        "the latest merge first": mistake(
            "What was merged first in training is merged first here. Look at which end of the list you begin with.",
            encode=encode_with(choose=max),
        ),
        "the most frequent pair first": mistake(
            "Counts belong to the training. Look at what you still count here.",
            encode=encode_with(choose=lambda ranks: Counter(ranks).most_common(1)[0][0]),
        ),
        "one pass from the left": mistake(
            "What a merge has made can be merged again. Look at how often you go through the ids, and in what order.",
            encode=one_pass,
        ),
        "one merge only": mistake(
            "After a merge there may be another. Look at what ends your loop.",
            encode=encode_with(rounds=1),
        ),
        "each merge in one place only": mistake(
            "A pair can stand in several places of the text. Look at what happens at the second.",
            encode=each_merge_once,
        ),
        "merges of merged tokens left out": mistake(
            "Some pairs in the list hold ids from 256 on. Look at whether you ever find one of them.",
            encode=encode_with(usable=lambda pair: max(pair) < 256),
        ),
        "merged from the right": mistake(
            "In a run of equal bytes the left ones are merged first. Look at the direction in which you go.",
            encode=encode_with(merge=merge_from_right),
        ),
        "characters in place of bytes": mistake(
            "Encode one letter with an accent: how many ids should there be at the beginning? Look at where yours come from.",
            encode=encode_with(begin=lambda text: [ord(c) for c in text]),
        ),
        "tokens numbered from 0": mistake(
            "The ids up to 255 are the bytes. Look at the number of the first merged token.",
            encode=encode_with(made=lambda rank: rank),
        ),
        "tokens numbered from 257": mistake(
            "The first merge has number 0. Look at the id that it makes.",
            encode=encode_with(made=lambda rank: 257 + rank),
        ),
    },
)
def encode(room: Room, rng: np.random.Generator) -> Parts:
    a, b, c, d, x = letters(rng, 5)
    A, B, C, D = map(ord, (a, b, c, d))
    yield "two merges that want the same letter", room.call("encode", a + b + c, [(B, C), (A, B)])
    yield "a merge that came too late", room.call("encode", a + b + c + d, [(A, B), (C, D), (B, 257)])
    yield "a token out of reach", room.call("encode", a + b + c, [(A, B), (B, C), (A, 257)])
    text = 2 * (a + b + c) + x + a + b + x + a + b + c
    yield "merged again, in several places", room.call("encode", text, [(A, B), (256, C), (257, 257)])
    text = a + b + c + 2 * (x + b + c)
    yield "a frequent pair that comes later in the list", room.call("encode", text, [(A, B), (B, C)])
    yield "merges that do not occur", room.call("encode", b + c + d, [(A, B), (256, C), (C, D)])
    yield "equal letters in a row", room.call("encode", 5 * a + x + 3 * a, [(A, A)])
    yield "beyond ASCII", room.call("encode", f" {a}é{b} €{c.upper()}ü\n", [(195, 169), (226, 130), (A, 256), (B, A)])
    yield "nothing to merge", [room.call("encode", text, []), room.call("encode", "", [(A, B)])]


# 04.5 Decoding


def is_text(piece: bytes) -> bool:
    try:
        return bool(piece.decode() or True)
    except UnicodeDecodeError:
        return False


def decode_with(
    read: Callable = lambda pieces: b"".join(pieces).decode(errors="replace"),
    count: Callable = lambda pieces: sum(not is_text(piece) for piece in pieces),
    spell: Callable = spelled,
) -> Callable:
    """Another read(the tokens' bytes) -> text, count(the tokens' bytes), or spell(token, merges) -> bytes."""

    def decode(tokens, merges):
        pieces = [spell(token, merges) for token in tokens]
        return read(pieces), count(pieces)

    return decode


def signs(piece: bytes) -> int:
    """How many replacement characters it decodes to."""
    return piece.decode(errors="replace").count("\ufffd")


def spelled_backwards(token: int, merges: Sequence[Pair]) -> bytes:
    if token < 256:
        return bytes([token])
    return b"".join(spelled_backwards(part, merges) for part in reversed(merges[token - 256]))


def unfinished_dropped(pieces: Sequence[bytes]) -> str:
    """The text as a stream gives it while more may come."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(pieces))


@task(
    "04.5",
    oracle={"decode": decode_with()},
    mistakes={
        "token by token": mistake(
            "A character of two bytes can lie across two tokens. Look at what you decode: a token, or the whole.",
            decode=decode_with(read=lambda pieces: "".join(piece.decode(errors="replace") for piece in pieces)),
        ),
        "a character for each byte": mistake(
            "UTF-8 writes é in two bytes. Look at how many characters you make of them.",
            decode=decode_with(read=lambda pieces: b"".join(pieces).decode("latin-1")),
        ),
        "ASCII only": mistake(
            "Bytes from 128 on are parts of characters, and no damage. Look at the name of your encoding.",
            decode=decode_with(read=lambda pieces: b"".join(pieces).decode("ascii", errors="replace")),
        ),
        "damaged bytes dropped": mistake(
            "What cannot be read leaves a mark behind. Look at how your decoding treats errors.",
            decode=decode_with(read=lambda pieces: b"".join(pieces).decode(errors="ignore")),
        ),
        "an unfinished character dropped": mistake(
            "The tokens can end in the middle of a character. Look at what becomes of its bytes.",
            decode=decode_with(read=unfinished_dropped),
        ),
        "the pair turned round": mistake(
            "The first of a pair stands on the left. Look at the order in which you put a token together.",
            decode=decode_with(spell=spelled_backwards),
        ),
        "marks in the text counted": mistake(
            "A token can be broken while the text is whole. Look at what you look at for the number: the text, or the tokens.",
            decode=decode_with(count=lambda pieces: signs(b"".join(pieces))),
        ),
        "marks in place of tokens counted": mistake(
            "One token counts once, however badly it is broken. Look at what you add for each.",
            decode=decode_with(count=lambda pieces: sum(map(signs, pieces))),
        ),
        "all beyond ASCII counted": mistake(
            "A token can hold a whole é. Look at which bytes you take for damage.",
            decode=decode_with(count=lambda pieces: sum(max(piece) > 127 for piece in pieces)),
        ),
        "the whole tokens counted": mistake(
            "The tokens that cannot be read by themselves are to be counted. Look at which ones you count.",
            decode=decode_with(count=lambda pieces: sum(map(is_text, pieces))),
        ),
        "bytes counted": mistake(
            "A merged token is one token. Look at the unit of your count.",
            decode=decode_with(count=lambda pieces: sum(len(piece) for piece in pieces if not is_text(piece))),
        ),
        "single bytes only": mistake(
            "A merged token can begin or end in the middle of a character too. Look at which tokens you try.",
            decode=decode_with(count=lambda pieces: sum(len(piece) == 1 and not is_text(piece) for piece in pieces)),
        ),
        "each token counted once": mistake(
            "A token that occurs twice counts twice. Look at what you go through.",
            decode=decode_with(count=lambda pieces: sum(not is_text(piece) for piece in set(pieces))),
        ),
    },
)
def decode(room: Room, rng: np.random.Generator) -> Parts:
    A, B, C = (ord(letter) for letter in letters(rng, 3))
    asked = {
        "tokens of tokens": ([32, 257, C, 256, 32, 258, A, 10], [(A, B), (256, C), (257, 256)]),
        "characters in several tokens": ([256, 169, B, 226, 130, 172], [(A, 195)]),
        "whole characters": ([256, A, 257, 172, 258, B], [(195, 169), (226, 130), (257, 172)]),
        "two halves in one token": ([195, 256, 169], [(169, 195)]),
        "four bytes": ([240, 256, 130, C], [(159, 153)]),
        "damaged": ([195, A, 226, 130, 255, B, 195, C], []),
        "broken off": ([A, 256], [(240, 159)]),
        "no token": ([], [(A, B)]),
    }
    for name, (tokens, merges) in asked.items():
        text, broken = room.call("decode", tokens, merges)
        yield f"{name}: the text", text
        yield f"{name}: tokens that cannot be read by themselves", broken


# 04.6 From text to words


def kind(character: str) -> str:
    return "space" if character.isspace() else "letter" if character.isalpha() else "sign"


def pieces_by_loop(line: str) -> list[str]:
    pieces = []
    for character in line:
        last = pieces[-1] if pieces else ""
        if last and kind(character) != "space" and (last == " " or kind(last[-1]) == kind(character)):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def table_with(pieces_of: Callable = pieces_by_loop, lines_of: Callable = lambda lines: lines) -> Callable:
    """Another pieces_of(line), or other lines."""
    return lambda lines: dict(Counter(chain.from_iterable(map(pieces_of, lines_of(lines)))))


LETTERS, SIGN = r"[^\W\d_]+", r"(?:[\d_]|[^\w\s])"


def found(pattern: str) -> Callable:
    return table_with(re.compile(pattern).findall)


@task(
    "04.6",
    oracle={"count_pieces": table_with()},
    mistakes={
        "spaces lost": mistake(
            "Put your pieces one behind the other: the line does not come back. Look at where its spaces have gone.",
            count_pieces=found(f"{LETTERS}|{SIGN}+"),
        ),
        "split at white space": mistake(
            "Look at a word with a comma behind it, and at the spaces: split drops them, and cuts nowhere else.",
            count_pieces=table_with(str.split),
        ),
        "cut at spaces only": mistake(
            "Letters and signs stand in pieces of their own. Look at a word with a comma behind it.",
            count_pieces=found(r" ?\S+|\s"),
        ),
        "every space a piece": mistake(
            "A space right before a word belongs to it. Look at what your rule tries first.",
            count_pieces=found(rf"{LETTERS}|{SIGN}+|\s"),
        ),
        "the space behind the word": mistake(
            "Look at the side of the word to which you put the space.",
            count_pieces=found(rf"{LETTERS} ?|{SIGN}+ ?|\s"),
        ),
        "no space before signs": mistake(
            "A run of signs takes the space before it as a word does. Look at an opening bracket.",
            count_pieces=found(rf" ?{LETTERS}|{SIGN}+|\s"),
        ),
        "several spaces in the word": mistake(
            "One space belongs to a word, no more. Look at a word with three before it.",
            count_pieces=found(rf" *{LETTERS}| *{SIGN}+|\s"),
        ),
        "white space in one piece": mistake(
            "Of several spaces the last belongs to the word. Look at what your rule for white space takes along.",
            count_pieces=found(rf" ?{LETTERS}| ?{SIGN}+|\s+"),
        ),
        "tabs taken for spaces": mistake(
            "Only a space belongs to the word behind it. Look at what your rule makes of a tab.",
            count_pieces=found(rf"\s?{LETTERS}|\s?{SIGN}+|\s"),
        ),
        "the letters of ASCII only": mistake(
            "é is a letter too. Look at how your rule says what a letter is.",
            count_pieces=found(r" ?[A-Za-z]+| ?[^A-Za-z\s]+|\s"),
        ),
        "digits among the letters": mistake(
            "A digit is no letter. Look at what \\w, or isalnum, takes in.",
            count_pieces=found(r" ?\w+| ?[^\w\s]+|\s"),
        ),
        "signs one by one": mistake(
            "Three dots in a row are one piece. Look at the length of your runs of signs.",
            count_pieces=found(rf" ?{LETTERS}| ?{SIGN}|\s"),
        ),
        "lower case": mistake(
            "The pieces of a line give it back, letter for letter. Look at a capital.",
            count_pieces=table_with(lambda line: pieces_by_loop(line.lower())),
        ),
        "lines stripped": mistake(
            "White space at the ends of a line belongs to it. Look at what you take off before you begin.",
            count_pieces=table_with(lambda line: pieces_by_loop(line.strip())),
        ),
        "lines run together": mistake(
            "No piece reaches from one line into the next. Look at what the end of a line meets in yours.",
            count_pieces=table_with(lines_of=lambda lines: ["".join(lines)]),
        ),
        "the last line only": mistake(
            "Every line adds to the table. Look at where your table is made.",
            count_pieces=table_with(lines_of=lambda lines: lines[-1:]),
        ),
        "each piece counted once": mistake(
            "The table says how often a piece occurs. Look at what you add when you meet it again.",
            count_pieces=lambda lines: dict.fromkeys(table_with()(lines), 1),
        ),
    },
)
def count_pieces(room: Room, rng: np.random.Generator) -> Parts:
    a, b, c, d = words(rng, 4)
    asked = {
        "words and the spaces before them": [f"{a} {b} {a} {c}", f"{d} {a}", f"{b} {a} {c}", f"{d} {a}"],
        "signs": [f"{a}, {b}! ({c})", f'{a}... "{b}" -- {c},'],
        "digits and underscores": [f"{a}2 {b}42, {c} 7{d} {a}_{b}"],
        "more white space": [f"{a}  {b}   {c} ", f"   {d}\t{a} \t({b} \u00a0{c}  --"],
        "capitals and accents": [f"{a.title()} {a} {a}é{b} ü{c} É{d}ß, ж{a} {b.upper()}"],
        "empty lines": [a, "", f" {a}", " "],
    }
    for name, lines in asked.items():
        table = room.call("count_pieces", lines)
        yield f"{name}: how many pieces in all, and the table", [sum(table.values()), sorted(table.items())]
    yield "no line", sorted(room.call("count_pieces", []))


# 04.7 Special tokens


def split_by_scan(text: str, special: Sequence[str]) -> list[tuple[str, bool]]:
    pieces, i = [], 0
    while i < len(text):
        here = max((name for name in special if text.startswith(name, i)), key=len, default="")
        if not here and pieces and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + text[i], False)
        else:
            pieces.append((here or text[i], bool(here)))
        i += len(here) or 1
    return pieces


def longest_first(special: Iterable[str]) -> list[str]:
    return sorted(special, key=len, reverse=True)


def split_with(pattern: Callable, keep: Callable = bool, where: int = 0) -> Callable:
    """Split by the regular expression pattern(special), `where` times at most, 0 for no limit, and keep(piece) decides."""

    def split_special(text, special):
        if not special:
            return split_by_scan(text, special)
        return [(piece, piece in special) for piece in re.split(f"({pattern(special)})", text, maxsplit=where) if keep(piece)]

    return split_special


def escaped(special: Iterable[str]) -> str:
    return "|".join(map(re.escape, special))


def one_name_after_the_other(again: bool) -> Callable:
    """The longest name wherever it stands, then the next; `again` looks inside the special tokens found before."""

    def split_special(text, special):
        pieces = [(text, False)]
        for name in longest_first(special):
            split = ([(piece, False)] if done and not again else split_by_scan(piece, [name]) for piece, done in pieces)
            pieces = [(piece, piece in special) for part in split for piece, _ in part]
        return [piece for piece in pieces if piece[0]]

    return split_special


@task(
    "04.7",
    oracle={"split_special": split_by_scan},
    mistakes={
        "a shorter name first": mistake(
            "One name can begin like another. Look at which of the two you try first.",
            split_special=split_with(escaped),
        ),
        "a name read as a pattern": mistake(
            "In a regular expression | means or. Look at what becomes of a name that holds such a sign.",
            split_special=split_with(lambda special: "|".join(longest_first(special)), keep=lambda piece: piece),
        ),
        "a special token taken apart": mistake(
            "What has been found is not searched again. Look at what your second round does to the pieces of the first.",
            split_special=one_name_after_the_other(again=True),
        ),
        "the longest name wherever it stands": mistake(
            "The text is read from the left: what begins earlier comes first. Look at two names that overlap.",
            split_special=one_name_after_the_other(again=False),
        ),
        "the first special token only": mistake(
            "There can be several special tokens in a text. Look at what you do with the rest.",
            split_special=split_with(lambda special: escaped(longest_first(special)), where=1),
        ),
        "empty pieces kept": mistake(
            "Look at what stands between two special tokens in a row: is it a piece?",
            split_special=split_with(lambda special: escaped(longest_first(special)), keep=lambda piece: True),
        ),
        "special tokens lost": mistake(
            "Put your pieces one behind the other: the text does not come back. Look at what a separator becomes.",
            split_special=lambda text, special: [piece for piece in split_by_scan(text, special) if not piece[1]],
        ),
        "spaces stripped": mistake(
            "The pieces give back the text, spaces too. Look at what you take off.",
            split_special=lambda text, special: [
                (stripped, is_special) for piece, is_special in split_by_scan(text, special) if (stripped := piece.strip())
            ],
        ),
        "the mark turned round": mistake(
            "True says that the piece is a special token. Look at what yours says of plain text.",
            split_special=lambda text, special: [(piece, not mark) for piece, mark in split_by_scan(text, special)],
        ),
        "single characters where nothing is special": mistake(
            "With no special tokens the whole text is one piece. Look at what an empty pattern matches.",
            split_special=lambda text, special: (
                split_by_scan(text, special) if special else [(character, False) for character in text]
            ),
        ),
    },
)
def split_special(room: Room, rng: np.random.Generator) -> Parts:
    name, a, b, c = words(rng, 4)
    end = f"<|{name}|>"
    special = ["##", end, "###", f"#{end}"]
    asked = {
        "one special token": (f"{a} {b} {end} {c}", special),
        "at both ends, and two in a row": (f"{end}{end}{a} {end}{b}{end}", special),
        "a name that begins another": (f"{a} ###{b}## {c}####", special),
        "names that overlap": (f"{a}##{end} {b}#{end}", special),
        "parts of a name": (f"{a} <|{name} {name}|> # {b} <{name}>", special),
        "another order of the names": (f"{a}###{end} ##", special[::-1]),
        "no special tokens": (f"{a} {end}##{b}", []),
        "no text": ("", special),
    }
    for title, (text, names) in asked.items():
        pieces = room.call("split_special", text, names)
        yield f"{title}: how many pieces, and the pieces", [len(pieces), pieces]


# 04.8 One measure for two vocabularies


def per_character_by_sums(nats: np.ndarray, tokens: np.ndarray, texts: Sequence[str]) -> float:
    total = sum(loss * count for loss, count in zip(nats.tolist(), tokens.tolist()))
    return float(total / np.log(2) / sum(map(len, texts)))


def measured_with(
    total: Callable = np.dot,
    units: Callable = lambda tokens, texts: sum(map(len, texts)),
    turn: Callable = lambda bits: bits,
    per_nat: float = 1 / np.log(2),
) -> Callable:
    """Another total(nats, tokens), units(tokens, texts) to divide it by, turn(the quotient), or number of bits in a nat."""
    return lambda nats, tokens, texts: float(turn(total(nats, tokens) * per_nat / units(tokens, texts)))


@task(
    "04.8",
    oracle={"per_character": per_character_by_sums},
    mistakes={
        "nats": mistake(
            "Bits are asked for. Look at the base of the logarithm in what you were given.",
            per_character=measured_with(per_nat=1.0),
        ),
        "multiplied by ln 2": mistake(
            "A nat is more than a bit, so the same loss is a larger number of bits. Look at which way yours goes.",
            per_character=measured_with(per_nat=np.log(2)),
        ),
        "bits per token": mistake(
            "Cut the text into twice as many tokens: what you divide by changes, the text does not. Look at it.",
            per_character=measured_with(units=lambda tokens, texts: tokens.sum()),
        ),
        "every text with the same weight": mistake(
            "A long text has more characters than a short one. Look at what you average, and when you divide.",
            per_character=lambda nats, tokens, texts: float(np.mean(nats * tokens / np.log(2) / [len(text) for text in texts])),
        ),
        "the plain mean of the losses": mistake(
            "A loss of many tokens weighs more than one of few. Look at the mean that you take first.",
            per_character=measured_with(total=lambda nats, tokens: nats.mean() * tokens.sum()),
        ),
        "the tokens left out": mistake(
            "Change the numbers of tokens: your answer stays the same. Look at what a mean loss is a mean of.",
            per_character=measured_with(total=lambda nats, tokens: nats.sum()),
        ),
        "bytes": mistake(
            "é is one character. Look at what you count in it.",
            per_character=measured_with(units=lambda tokens, texts: len("".join(texts).encode())),
        ),
        "spaces left out": mistake(
            "A space had to be predicted too. Look at which characters you count.",
            per_character=measured_with(units=lambda tokens, texts: len("".join("".join(texts).split()))),
        ),
        "bits per word": mistake(
            "Characters are asked for. Look at what split leaves you to count.",
            per_character=measured_with(units=lambda tokens, texts: sum(len(text.split()) for text in texts)),
        ),
        "tokens and characters exchanged": mistake(
            "There are fewer tokens than characters, so a character costs less than a token. Look at your fraction.",
            per_character=lambda nats, tokens, texts: float(
                np.dot(nats, tokens) / tokens.sum() / np.log(2) * sum(map(len, texts)) / tokens.sum()
            ),
        ),
        "upside down": mistake(
            "Characters per bit is a measure too, but another one. Look at what stands above the line.",
            per_character=measured_with(turn=lambda bits: 1 / bits),
        ),
        "the perplexity": mistake(
            "Bits are asked for, not the number of choices. Look at the last thing you do.",
            per_character=measured_with(turn=np.exp2),
        ),
        "the sum of all bits": mistake(
            "A longer text costs more bits, whatever the model is worth. Look at whether you divide.",
            per_character=measured_with(units=lambda tokens, texts: 1),
        ),
    },
)
def per_character(room: Room, rng: np.random.Generator) -> Parts:
    def case(lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """A text of each number of words; a longer one has a higher loss."""
        texts = ["".join([" é" + word for word in words(rng, n)]) for n in lengths]
        tokens = np.array([len(text) // 2 - int(rng.integers(0, 2)) for text in texts])
        return 1 + np.sort(rng.random(len(texts))) + np.arange(len(texts)), tokens, texts

    nats, tokens, texts = case([2, 5, 12])
    yield "the bits of all texts over their characters", room.call("per_character", nats, tokens, texts)
    yield "the same bits in other tokens", room.call("per_character", nats / 2 * tokens / (tokens + 3), 2 * (tokens + 3), texts)
    yield "one text", room.call("per_character", *case([7]))
    yield "many texts", room.call("per_character", *case([2, 3, 4, 6, 9, 15, 20]))
