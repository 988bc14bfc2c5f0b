"""Byte-pair encoding: the neighbours that stand together most often become one symbol, again and again.

A ladder: a table of counted words, one sequence of bytes, then the same merges fast. Left out: how a text is cut into words,
special tokens, files (utils.tokenizer).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise
from operator import add
from typing import Any

Pair = tuple[int, int] | str  # two ids; in `train` a string of two, one chr(id) for each
Place = Callable[[Pair], Any]  # where a pair first stands in the text, as something that can be compared
Ties = Callable[[Pair, Place], Any]  # of equally frequent pairs the one with the smallest key is merged


def smaller_ids(pair: Pair, place: Place) -> Pair:
    """The tie rule of Hugging Face's tokenizers: of equally frequent pairs the one of smaller ids."""
    return pair


def first_occurrence(pair: Pair, place: Place) -> Any:
    """The tie rule of minbpe (Karpathy 2024): of equally frequent pairs the one that comes first in the text."""
    return place(pair)


def replace(symbols: Iterable, pair: tuple, new: Any) -> list:
    """Symbols with each `pair` of neighbours made one symbol `new`, from the left.

    >>> replace([5, 6, 6, 7, 9, 1], (6, 7), 99)
    [5, 6, 99, 9, 1]
    """
    replaced = []
    for symbol in symbols:
        if replaced and (replaced[-1], symbol) == pair:
            replaced[-1] = new
        else:
            replaced.append(symbol)
    return replaced


# Rung one: characters, and a table of words with their counts


def learn_words(words: Mapping[str, int], merges: int) -> tuple[list[tuple[tuple[str, str], int]], dict[str, list[str]]]:
    """Byte-pair encoding of counted words, their characters the first symbols (Sennrich et al. 2016, algorithm 1).

    -> the merges in order, each with its count, and every word as its symbols. Of equally frequent pairs the one that is met
    first is merged. Fewer than `merges` are learned where every word has become one symbol.

    >>> learn_words({"hug": 10, "pug": 5, "pun": 12}, merges=1)
    ([(('u', 'g'), 15)], {'hug': ['h', 'ug'], 'pug': ['p', 'ug'], 'pun': ['p', 'u', 'n']})
    """
    if merges < 0:
        raise ValueError(f"merges is {merges}; expected at least 0")
    if any(count < 1 for count in words.values()):
        raise ValueError(f"words has a count of {min(words.values())}; expected at least 1")
    table = {word: list(word) for word in words}
    learned = []
    for _ in range(merges):
        counts = Counter()
        for word, symbols in table.items():
            for pair in pairwise(symbols):
                counts[pair] += words[word]
        if not counts:
            break
        best = max(counts, key=counts.get)
        learned.append((best, counts[best]))
        table = {word: replace(symbols, best, "".join(best)) for word, symbols in table.items()}
    return learned, table


# Rung two: bytes, which leave no character unknown, and one sequence of ids


def learn_bytes(text: bytes, merges: int, ties: Ties = first_occurrence) -> dict[Pair, int]:
    """Byte-pair encoding of one sequence: bytes are the ids 0 .. 255, and merge number i makes the id 256 + i.

    -> the pairs in the order learned, each with its new id. It counts anew for each merge, so it takes time merges * len(text):
    the definition that `train` has to equal. Fewer are learned where one id is left.
    """
    if merges < 0:
        raise ValueError(f"merges is {merges}; expected at least 0")
    ids, learned = list(text), {}
    while len(learned) < merges and len(ids) > 1:
        counts = Counter(pairwise(ids))  # in "aaa" the pair (a, a) stands twice, though only one can be merged
        place = {pair: i for i, pair in enumerate(counts)}.__getitem__  # a Counter keeps the order in which it met them
        best = min(counts, key=lambda pair: (-counts[pair], ties(pair, place)))
        learned[best] = 256 + len(learned)
        ids = replace(ids, best, learned[best])
    return learned


def encode(ids: Iterable[int], merges: Mapping[Pair, int]) -> list[int]:
    """Ids after all merges that apply, the earliest learned first and of its places the leftmost: the definition."""
    rank = {pair: i for i, pair in enumerate(merges)}
    ids = list(ids)
    while known := [(rank[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in rank]:
        _, i = min(known)
        ids[i : i + 2] = [merges[ids[i], ids[i + 1]]]
    return ids


def spell(merges: Mapping[Pair, int]) -> dict[int, bytes]:
    """What each id of `learn_bytes` stands for: the bytes themselves, then those of each merged pair."""
    spelled = {i: bytes([i]) for i in range(256)}
    for (a, b), new in merges.items():
        spelled[new] = spelled[a] + spelled[b]
    return spelled


# Rung three: many words, their counts kept up to date instead of taken anew

PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]  # the bytes that are a visible character in Latin-1
BYTE_ORDER = bytes(PRINTABLE + sorted(set(range(256)) - set(PRINTABLE)))  # as GPT-2 numbers them (Radford et al. 2019)


class Pairs:
    """The pairs of neighbours in counted words, kept up to date while some are merged: their counts, and where they stand.

    A word is a string with one character chr(id) for each symbol, so that a pair is a string of two and str.find finds it.
    """

    def __init__(self, words: Iterable[str], counts: Iterable[int]) -> None:
        self.words, self.weights = list(words), list(counts)
        self.where = defaultdict(list)  # pair -> the words in which it stands or stood, one as often as it stands in it
        for i, word in enumerate(self.words):
            for pair in map(add, word, word[1:]):
                self.where[pair].append(i)
        count_of = self.weights.__getitem__
        self.counts = defaultdict(int, {pair: sum(map(count_of, found)) for pair, found in self.where.items()})

    def first(self, pair: str) -> tuple[int, str]:
        """The first word that holds the pair, and what stands before the pair there."""
        i = min(i for i in self.where[pair] if pair in self.words[i])
        return i, self.words[i].partition(pair)[0]

    def merge(self, pair: str, new: str) -> list[str]:
        """Make each `pair` one symbol `new`, in place -> the pairs that this brought about.

        Counts change only where it happens: before a b that becomes one, the pair (x, a) passes its count on to (x, new), and
        behind it (b, x) to (new, x).
        """
        words, before, after = self.words, defaultdict(list), defaultdict(list)  # x -> the words where it is a neighbour
        for i in self.where.pop(pair):  # a word that holds the pair twice comes up twice
            word = words[i]
            at = word.find(pair)
            if at < 0:
                continue
            if at:
                before[word[at - 1]].append(i)
            words[i] = word = word.replace(pair, new, 1)
            if at + 1 < len(word):
                after[word[at + 1]].append(i)
        a, b = pair
        passed = [(x + a, x + new, found) for x, found in before.items()]
        passed += [(b + x, new + x, found) for x, found in after.items()]
        counts, where, count_of = self.counts, self.where, self.weights.__getitem__
        for old, made, found in passed:
            count = sum(map(count_of, found))
            counts[old] -= count
            counts[made] += count
            where[made] += found
        counts[pair] = 0
        return [made for _, made, _ in passed if counts[made]]


def train(words: Mapping[bytes, int], size: int, ties: Ties = smaller_ids) -> list[tuple[bytes, bytes]]:
    """The merges that make a vocabulary of `size` tokens, the 256 bytes included, learned on counted words, in order.

    The ids, which decide ties, are the bytes' places in BYTE_ORDER and then go up. Merges never cross words. Fewer are learned
    where every word has become one token. No two spell the same token: up to the merge that makes a token one, what happens
    between its two ends is what would happen to its bytes alone.

    Pairs wait in one bucket for each count, and a bucket is put in order when its turn has come. Counts never rise again (a new
    pair stands at most as often as the one that was merged), so the fullest bucket is the next one down.
    """
    if size < 256:
        raise ValueError(f"size is {size}; expected at least 256, one token for each byte")
    if any(count < 1 for count in words.values()):
        raise ValueError(f"words has a count of {min(words.values())}; expected at least 1")
    spelled = [bytes([byte]) for byte in BYTE_ORDER]
    ids = bytes(BYTE_ORDER.index(byte) for byte in range(256))
    pairs = Pairs((word.translate(ids).decode("latin-1") for word in words), words.values())

    def place(pair: str) -> tuple[int, int]:
        word, prefix = pairs.first(pair)
        return word, sum(len(spelled[ord(symbol)]) for symbol in prefix)  # in bytes, which merges do not move

    def key(pair: str) -> tuple[Any, str]:
        return ties(pair, place), pair

    buckets, counts, merges = defaultdict(list), pairs.counts, []
    for pair in counts:
        buckets[counts[pair]].append(pair)
    while (most := max(buckets, default=0)) and len(spelled) < size:
        waiting = buckets.pop(most)
        tied = [key(pair) for pair in waiting if counts[pair] == most]
        for pair in waiting:
            if counts[pair] < most:  # since it was put here, merges have eaten into it
                buckets[counts[pair]].append(pair)
        heapify(tied)
        while tied and len(spelled) < size:
            pair = heappop(tied)[1]
            if counts[pair] < most:
                buckets[counts[pair]].append(pair)
                continue
            merges.append((spelled[ord(pair[0])], spelled[ord(pair[1])]))
            made = pairs.merge(pair, chr(len(spelled)))
            spelled.append(b"".join(merges[-1]))
            for pair in made:
                if counts[pair] == most:
                    heappush(tied, key(pair))
                else:
                    buckets[counts[pair]].append(pair)
    return merges
