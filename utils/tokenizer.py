"""A byte-level tokenizer: text is cut into pieces, each piece is encoded by byte-pair merges, and special tokens stand apart.

Its files are those of Hugging Face's tokenizers, in utils.tokenizer_file. Left out: normalisation of text, offsets, batches.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Literal

import regex

from utils.bpe import BYTE_ORDER, train

# Contractions, then letters, digits or other signs behind at most one space, then white space (Radford et al. 2019)
GPT2_PATTERN = r"'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CACHED = 2**18  # the most pieces whose ids a tokenizer remembers
Merge = tuple[bytes, bytes]
Policy = Literal["refuse", "allow", "text"]


class Tokenizer:
    """Text to ids and back. Every string has ids, since the 256 bytes are tokens, and comes back as it was.

    vocabulary: each token's bytes -> its id; merges: pairs of tokens in the order learned; specials: tokens that no text is
    merged to, -> their ids; pattern: what a piece looks like, in the syntax of the package regex. What lies between two pieces
    is a piece as well, so that no text is lost.
    """

    def __init__(
        self, vocabulary: Mapping[bytes, int], merges: Iterable[Merge], specials: Mapping[str, int], pattern: str = GPT2_PATTERN
    ) -> None:
        self.vocabulary, self.merges, self.specials, self.pattern = dict(vocabulary), list(merges), dict(specials), pattern
        _expect_vocabulary(self.vocabulary, self.merges, self.specials)
        self._pieces = _compiled(pattern)
        longest_first = sorted(self.specials, key=len, reverse=True)  # of two that begin alike
        self._specials = regex.compile(f"({'|'.join(map(regex.escape, longest_first))})") if self.specials else None
        ids = self.vocabulary
        ranks = {(ids[a], ids[b]): (rank, ids[a + b]) for rank, (a, b) in enumerate(self.merges)}
        self._spelled = {i: token for token, i in self.vocabulary.items()} | {i: s.encode() for s, i in self.specials.items()}
        self._cache = PieceCache([ids[bytes([byte])] for byte in range(256)], ranks)

    def __len__(self) -> int:
        return len(self._spelled)

    def encode(self, text: str, specials: Policy = "refuse") -> list[int]:
        """The ids of a text. A special token in it is refused with a ValueError, allowed to be one, or read as plain text.

        Refuse or read as text what others wrote: who may write special tokens may end the document for the model.
        """
        _expect_text(text)
        if specials not in ("refuse", "allow", "text"):
            raise ValueError(f"specials is {specials!r}; expected 'refuse', 'allow' or 'text'")
        if self._specials is None or specials == "text":
            return self._encode_plain(text)
        plain, *rest = self._specials.split(text)  # plain text, then a special token and plain text, and so on
        if rest and specials == "refuse":
            raise ValueError(
                f"text holds the special token {rest[0]!r} at place {len(plain)}; expected none, or specials='allow' or 'text'"
            )
        ids = self._encode_plain(plain)
        for special, plain in zip(rest[::2], rest[1::2]):
            ids.append(self.specials[special])
            ids += self._encode_plain(plain)
        return ids

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of the tokens, special ones as they are written. ValueError names the first unknown id and its place."""
        ids = [int(i) for i in ids]
        try:
            return b"".join([self._spelled[i] for i in ids])
        except KeyError:
            place, i = next((place, i) for place, i in enumerate(ids) if i not in self._spelled)
            raise ValueError(f"ids has {i} at place {place}, which is none of the {len(self)} ids of this tokenizer") from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the tokens. Where bytes are no UTF-8, as in a character cut in two, what is left of it becomes U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def tokens(self, ids: Iterable[int]) -> list[bytes]:
        """What each id stands for."""
        return [self.decode_bytes([i]) for i in ids]

    def _encode_plain(self, text: str) -> list[int]:
        ids = []
        for piece in self.pieces(text):
            ids += self._cache[piece]
        return ids

    def pieces(self, text: str) -> list[str]:
        """The pieces that a plain text is cut into; joined, they are the text."""
        pieces = self._pieces.findall(text)
        if sum(map(len, pieces)) < len(text):
            raise ValueError(f"pattern is {self.pattern!r}, which loses characters, as where it matches the empty text")
        return pieces


class PieceCache(dict):
    """Piece -> its ids. A text says the same words again and again, so most of them are looked up; a new one is merged."""

    def __init__(self, byte_ids: list[int], ranks: Mapping[tuple[int, int], tuple[int, int]]) -> None:
        self.byte_ids, self.ranks = byte_ids, ranks

    def __missing__(self, piece: str) -> list[int]:
        if len(self) >= CACHED:
            self.clear()
        self[piece] = ids = merge([self.byte_ids[byte] for byte in piece.encode()], self.ranks)
        return ids


def merge(ids: list[int], ranks: Mapping[tuple[int, int], tuple[int, int]]) -> list[int]:
    """`utils.bpe.encode` in time n log n: ranks maps each pair to its rank and its new id.

    A heap holds the pairs that may be merged, by rank and place. A merge leaves a gap where its right half stood, and offers
    the two pairs that it brings about; what the heap holds of pairs that are gone is passed over.
    """
    ids = [*ids, -1]  # ends before 0 and at the last place, which no pair knows
    left, right = list(range(-1, len(ids) - 1)), list(range(1, len(ids) + 1))
    heap = [(*ranks[pair], i, pair) for i, pair in enumerate(pairwise(ids)) if pair in ranks]
    heapify(heap)
    while heap:
        _, new, i, pair = heappop(heap)
        j = right[i]
        if (ids[i], ids[j]) != pair:
            continue
        after = right[j]
        ids[i], ids[j], right[i], left[after] = new, -1, after, i
        for at, pair in ((left[i], (ids[left[i]], new)), (i, (new, ids[after]))):
            if pair in ranks:
                heappush(heap, (*ranks[pair], at, pair))
    return [i for i in ids if i >= 0]


def train_tokenizer(text: str, size: int, specials: Sequence[str] = (), pattern: str = GPT2_PATTERN) -> Tokenizer:
    """A tokenizer of `size` tokens learned on a text: the 256 bytes, the special tokens, and as many merges as that leaves.

    Ids are GPT-2's: the bytes in BYTE_ORDER, the merged tokens in the order learned, the special tokens. Fewer come out where
    the text has too few different pieces. Special tokens in the text are cut out first.
    """
    _expect_text(text)
    untrained = from_merges([], specials, pattern)
    if size < len(untrained):
        raise ValueError(f"size is {size}; expected at least {len(untrained)}: 256 bytes and {len(specials)} special tokens")
    plain = untrained._specials.split(text)[::2] if specials else [text]
    pieces = Counter(piece for part in plain for piece in untrained.pieces(part))
    merges = train({piece.encode(): count for piece, count in pieces.items()}, size - len(specials))
    return from_merges(merges, specials, pattern)


def from_merges(merges: Iterable[Merge] = (), specials: Sequence[str] = (), pattern: str = GPT2_PATTERN) -> Tokenizer:
    """The tokenizer of given merges, with GPT-2's ids: bytes in BYTE_ORDER, merged tokens in order, special tokens.

    >>> from_merges([(b"a", b"b")], ["<end>"]).encode("abc<end>", specials="allow")
    [256, 66, 257]
    """
    if isinstance(specials, str) or len(set(specials)) < len(specials):
        raise ValueError(f"specials is {specials!r}; expected distinct tokens, each a string")
    merges = list(merges)
    tokens = [*(bytes([byte]) for byte in BYTE_ORDER), *(a + b for a, b in merges)]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return Tokenizer(vocabulary, merges, {special: len(vocabulary) + i for i, special in enumerate(specials)}, pattern)


def _compiled(pattern: str) -> regex.Pattern:
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"pattern is {pattern!r}, which is no regular expression: {error}") from None
    if compiled.groups:
        raise ValueError(f"pattern is {pattern!r}, which captures groups; expected (?:...) in place of (...)")
    if compiled.match(""):
        raise ValueError(f"pattern is {pattern!r}, which matches the empty text; expected pieces of at least one character")
    return regex.compile(f"{pattern}|(?:(?!{pattern})(?s:.))+")


def _expect_text(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}; expected a str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text has {text[error.start]!r} at place {error.start}, half of a surrogate pair; expected whole characters"
        ) from None


def _expect_vocabulary(vocabulary: dict[bytes, int], merges: list[Merge], specials: dict[str, int]) -> None:
    for byte in range(256):
        if bytes([byte]) not in vocabulary:
            raise ValueError(f"vocabulary lacks the byte {bytes([byte])!r}; expected all 256")
    for a, b in merges:
        for token in (a, b, a + b):
            if token not in vocabulary:
                raise ValueError(f"merges has ({a!r}, {b!r}), but {token!r} is not in the vocabulary")
    if "" in specials:
        raise ValueError("specials holds the empty text; expected at least one character in each")
    ids = [*vocabulary.values(), *specials.values()]
    if len(set(ids)) < len(ids) or min(ids) < 0:
        raise ValueError("vocabulary and specials give two tokens one id, or a negative one; expected distinct ids from 0")
