"""Answers to the tasks of chapter 04. The first right one of each writes into an argument: reported, and free of charge."""

from answers import changed, written

COUNT = """
def count_pairs(words):
    counts = {}
    for word, count in words.items():
        for i in range(len(word) - 1):
            pair = (word[i], word[i + 1])
            counts[pair] = counts.get(pair, 0) + count
    return counts
"""
MERGE = """
def merge(ids, pair, new):
    result = []
    i = 0
    while i < len(ids):
        if i < len(ids) - 1 and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            result.append(new)
            i += 2
        else:
            result.append(ids[i])
            i += 1
    return result
"""
TRAIN = """
def train(words, k):
    splits = {word: list(word) for word in words}

    def count_pairs():
        counts = {}
        for word, symbols in splits.items():
            for i in range(len(symbols) - 1):
                pair = (symbols[i], symbols[i + 1])
                counts[pair] = counts.get(pair, 0) + words[word]
        return counts

    merges = []
    for _ in range(k):
        counts = count_pairs()
        if len(counts) == 0:
            break
        best, highest = None, 0
        for pair, count in counts.items():
            if count > highest or (count == highest and pair < best):
                best, highest = pair, count
        merges.append((best, highest))
        for word, symbols in splits.items():
            i = 0
            while i < len(symbols) - 1:
                if symbols[i] == best[0] and symbols[i + 1] == best[1]:
                    symbols[i : i + 2] = [best[0] + best[1]]
                i += 1
    return merges
"""
ENCODE = """
def encode(text, merges):
    ids = list(text.encode("utf-8"))
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    while len(ids) >= 2:
        pairs = list(zip(ids, ids[1:]))
        best = min(pairs, key=lambda pair: ranks.get(pair, float("inf")))
        if best not in ranks:
            break
        i = 0
        while i < len(ids) - 1:
            if (ids[i], ids[i + 1]) == best:
                ids[i : i + 2] = [256 + ranks[best]]
            i += 1
    return ids
"""
REPLAY = """
def encode(text, merges):
    ids = list(text.encode("utf-8"))
    for rank, (left, right) in enumerate(merges):
        new = []
        i = 0
        while i < len(ids):
            if ids[i] == left and i + 1 < len(ids) and ids[i + 1] == right:
                new.append(256 + rank)
                i += 2
            else:
                new.append(ids[i])
                i += 1
        ids = new
    return ids
"""
DECODE = """
def decode(ids, merges):
    vocabulary = {i: bytes([i]) for i in range(256)}
    for r, (left, right) in enumerate(merges):
        vocabulary[256 + r] = vocabulary[left] + vocabulary[right]
    broken = 0
    data = b""
    for i in ids:
        piece = vocabulary[i]
        data += piece
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            broken += 1
    return data.decode("utf-8", errors="replace"), broken
"""
PIECES = """
def count_pieces(lines):
    import re
    counts = {}
    for line in lines:
        for piece in re.findall(r" ?[^\\W\\d_]+| ?(?:[^\\w\\s]|[\\d_])+|\\s", line):
            if piece not in counts:
                counts[piece] = 0
            counts[piece] += 1
    return counts
"""
LOOP_PIECES = """
def count_pieces(lines):
    def kind(c):
        return "letter" if c.isalpha() else "space" if c.isspace() else "sign"

    counts = {}
    for line in lines:
        i = 0
        while i < len(line):
            j = i
            if line[i] == " " and i + 1 < len(line) and not line[i + 1].isspace():
                j = i + 1
            end = j + 1
            while not line[j].isspace() and end < len(line) and kind(line[end]) == kind(line[j]):
                end += 1
            counts[line[i:end]] = counts.get(line[i:end], 0) + 1
            i = end
    return counts
"""
SPLIT = """
def split_special(text, special):
    pieces = []
    plain = ""
    i = 0
    names = sorted(special, key=len, reverse=True)
    while i < len(text):
        for name in names:
            if text[i:].startswith(name):
                if plain:
                    pieces.append((plain, False))
                plain = ""
                pieces.append((name, True))
                i += len(name)
                break
        else:
            plain += text[i]
            i += 1
    if plain:
        pieces.append((plain, False))
    return pieces
"""
RE_SPLIT = """
def split_special(text, special):
    import re
    if not special:
        return [(text, False)] if text else []
    names = sorted(special, key=len, reverse=True)
    pattern = "(" + "|".join(re.escape(name) for name in names) + ")"
    return [(piece, piece in special) for piece in re.split(pattern, text) if piece]
"""
MEASURE = """
def per_character(nats, tokens, texts):
    bits = 0.0
    characters = 0
    for loss, count, text in zip(nats, tokens, texts):
        bits += loss * count / np.log(2)
        characters += len(text)
    return float(bits / characters)
"""
SHORT_MEASURE = """
def per_character(nats, tokens, texts):
    return np.sum(nats * tokens) / np.log(2) / len("".join(texts))
"""

RIGHT = {
    "04.1": [
        written("""
def count_pairs(words):
    counts = {}
    while words:
        word, count = words.popitem()
        for pair in zip(word[:-1], word[1:]):
            counts[pair] = counts.get(pair, 0) + count
    return counts
"""),
        written(COUNT),
        written("""
def count_pairs(words):
    from collections import Counter
    counts = Counter()
    for word, count in words.items():
        for pair, places in Counter(zip(word, word[1:])).items():
            counts[pair] += places * count
    return counts
"""),
    ],
    "04.2": [
        written("""
def merge(ids, pair, new):
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i] = new
            del ids[i + 1]
        i += 1
    return ids
"""),
        written(MERGE),
        written("""
def merge(ids, pair, new):
    if len(ids) < 2:
        return list(ids)
    if ids[0] == pair[0] and ids[1] == pair[1]:
        return [new] + merge(ids[2:], pair, new)
    return [ids[0]] + merge(ids[1:], pair, new)
"""),
        written("""
def merge(ids, pair, new):
    text = "".join(map(chr, ids)).replace(chr(pair[0]) + chr(pair[1]), chr(new))
    return [ord(c) for c in text]
"""),
    ],
    "04.3": [
        written("""
def train(words, k):
    from collections import Counter
    table = []
    while words:
        word, count = words.popitem()
        table.append((list(word), count))
    merges = []
    while len(merges) < k:
        counts = Counter()
        for symbols, count in table:
            for pair in zip(symbols, symbols[1:]):
                counts[pair] += count
        if not counts:
            return merges
        pair = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0]
        merges.append((pair, counts[pair]))
        for symbols, _ in table:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == pair:
                    symbols[i] += symbols.pop(i + 1)
                i += 1
    return merges
"""),
        written(TRAIN),
        written("""
def train(words, k):
    import re
    words = {" ".join(word): count for word, count in words.items()}
    merges = []
    for _ in range(k):
        counts = {}
        for word, count in words.items():
            symbols = word.split()
            for pair in zip(symbols, symbols[1:]):
                counts[pair] = counts.get(pair, 0) + count
        if not counts:
            break
        highest = max(counts.values())
        best = min(pair for pair in counts if counts[pair] == highest)
        merges.append((best, highest))
        pattern = re.compile(r"(?<!\\S)" + re.escape(" ".join(best)) + r"(?!\\S)")
        words = {pattern.sub("".join(best), word): count for word, count in words.items()}
    return merges
"""),
    ],
    "04.4": [
        written("""
def encode(text, merges):
    ids = list(text.encode())
    number = 256
    while merges:
        pair = merges.pop(0)
        i = 0
        while i + 1 < len(ids):
            if ids[i] == pair[0] and ids[i + 1] == pair[1]:
                ids[i] = number
                ids.pop(i + 1)
            i += 1
        number += 1
    return ids
"""),
        written(ENCODE),
        written(REPLAY),
        written("""
def encode(text, merges):
    ids = list(text.encode())
    while True:
        found = [(merges.index(pair), i) for i, pair in enumerate(zip(ids, ids[1:])) if pair in merges]
        if not found:
            return ids
        rank, i = min(found)
        ids[i : i + 2] = [256 + rank]
"""),
    ],
    "04.5": [
        written("""
def decode(ids, merges):
    data, broken = b"", 0
    while ids:
        stack, piece = [ids.pop(0)], []
        while stack:
            top = stack.pop()
            if top < 256:
                piece.append(top)
            else:
                stack.append(merges[top - 256][1])
                stack.append(merges[top - 256][0])
        broken += chr(65533) in bytes(piece).decode(errors="replace")
        data += bytes(piece)
    return data.decode(errors="replace"), int(broken)
"""),
        written(DECODE),
        written("""
def decode(ids, merges):
    def spell(i):
        return [i] if i < 256 else spell(merges[i - 256][0]) + spell(merges[i - 256][1])

    def readable(i):
        try:
            bytes(spell(i)).decode()
            return True
        except UnicodeDecodeError:
            return False

    text = bytes(b for i in ids for b in spell(i)).decode("utf8", "replace")
    return text, len([i for i in ids if not readable(i)])
"""),
    ],
    "04.6": [
        written("""
def count_pieces(lines):
    import re
    counts = {}
    while lines:
        for piece in re.findall(r"\\s(?= )|\\s(?!\\S)| ?[^\\W\\d_]+| ?(?:[^\\w\\s]|[\\d_])+|\\s", lines.pop()):
            counts[piece] = counts.get(piece, 0) + 1
    return counts
"""),
        written(PIECES),
        written(LOOP_PIECES),
        changed(PIECES, ("return counts", "from collections import Counter\n    return Counter(counts)")),
    ],
    "04.7": [
        written("""
def split_special(text, special):
    special.sort(key=len, reverse=True)
    pieces, begin, i = [], 0, 0
    while i < len(text):
        name = next((name for name in special if text.startswith(name, i)), None)
        if name is None:
            i += 1
            continue
        pieces += [(text[begin:i], False), (name, True)]
        i = begin = i + len(name)
    pieces.append((text[begin:], False))
    return [piece for piece in pieces if piece[0]]
"""),
        written(SPLIT),
        written(RE_SPLIT),
    ],
    "04.8": [written(MEASURE), written(SHORT_MEASURE)],
}
WRONG = {
    "04.1": {
        "words counted once": changed(COUNT, ("counts.get(pair, 0) + count", "counts.get(pair, 0) + 1")),
        "the count of the last word": changed(COUNT, ("counts.get(pair, 0) + count", "count")),
        "once a word": changed(
            COUNT,
            (
                "for i in range(len(word) - 1):\n            pair = (word[i], word[i + 1])",
                "for pair in set(zip(word, word[1:])):",
            ),
        ),
        "no overlap": written("""
def count_pairs(words):
    counts = {}
    for word, count in words.items():
        for pair in set(zip(word, word[1:])):
            i = places = 0
            while i < len(word) - 1:
                here = (word[i], word[i + 1]) == pair
                places += here
                i += 2 if here else 1
            counts[pair] = counts.get(pair, 0) + places * count
    return counts
"""),
        "every second place": changed(COUNT, ("range(len(word) - 1)", "range(0, len(word) - 1, 2)")),
        "the last pair left out": changed(COUNT, ("range(len(word) - 1)", "range(len(word) - 2)")),
        "the first word only": changed(
            COUNT,
            ("    return", "        return"),
            ("counts = {}\n", "counts = {}\n    if not words:\n        return counts\n"),
        ),
        "across words": written("""
def count_pairs(words):
    corpus = []
    for word, count in words.items():
        for _ in range(count):
            corpus.extend(word)
    counts = {}
    for pair in zip(corpus, corpus[1:]):
        counts[pair] = counts.get(pair, 0) + 1
    return counts
"""),
        "the order forgotten": changed(COUNT, ("(word[i], word[i + 1])", "(min(word[i : i + 2]), max(word[i : i + 2]))")),
        "letters in place of symbols": changed(COUNT, ("        for i", "        word = ''.join(word)\n        for i")),
        "the pair glued together": changed(COUNT, ("(word[i], word[i + 1])", "word[i] + word[i + 1]")),
    },
    "04.2": {
        "nothing merged": written("""
def merge(ids, pair, new):
    i = 0
    while i < len(ids):
        if ids[i : i + 2] == pair:
            ids[i : i + 2] = [new]
        i += 1
    return ids
"""),
        "the first place only": changed(
            MERGE,
            ("            i += 2", "            return result + ids[i + 2 :]"),
        ),
        "from the right": written("""
def merge(ids, pair, new):
    i = len(ids) - 2
    while i >= 0:
        if (ids[i], ids[i + 1]) == pair:
            ids = ids[:i] + [new] + ids[i + 2 :]
            i -= 1
        i -= 1
    return ids
"""),
        "the pair turned round": changed(MERGE, ("pair[0]", "pair[-1]"), ("pair[1]", "pair[0]")),
        "in either order": changed(
            MERGE, ("ids[i] == pair[0] and ids[i + 1] == pair[1]", "(ids[i], ids[i + 1]) in (pair, pair[::-1])")
        ),
        "overlapping places": written("""
def merge(ids, pair, new):
    result = []
    merged = False
    for left, right in zip(ids, ids[1:] + [None]):
        if (left, right) == pair:
            result.append(new)
            merged = True
        elif merged:
            merged = False
        else:
            result.append(left)
    return result
"""),
        "the first of the pair is enough": changed(
            MERGE, ("i < len(ids) - 1 and ids[i] == pair[0] and ids[i + 1] == pair[1]", "ids[i] == pair[0]")
        ),
        "every second place": changed(
            MERGE, ("result.append(ids[i])\n            i += 1", "result += ids[i : i + 2]\n            i += 2")
        ),
        "the last id lost": changed(MERGE, ("while i < len(ids):", "while i < len(ids) - 1:")),
        "the second id left behind": changed(MERGE, ("i += 2", "i += 1")),
        "a new id for each of the two": changed(MERGE, ("append(new)", "extend([new, new])")),
        "the first id in place of the new one": changed(MERGE, ("append(new)", "append(ids[i])")),
        "the second id in place of the new one": written("""
def merge(ids, pair, new):
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            del ids[i]
        i += 1
    return ids
"""),
    },
    "04.3": {
        "words counted once": changed(TRAIN, ("+ words[word]", "+ 1")),
        "once a word": changed(
            TRAIN,
            (
                "for i in range(len(symbols) - 1):\n                pair = (symbols[i], symbols[i + 1])",
                "for pair in set(zip(symbols, symbols[1:])):",
            ),
        ),
        "no overlap in the counts": changed(
            TRAIN,
            ("            for i in", "            last = {}\n            for i in"),
            (
                "                counts[pair] =",
                "                if last.get(pair) == i - 1:\n                    continue\n"
                "                last[pair] = i\n                counts[pair] =",
            ),
        ),
        "ties to the first seen": changed(TRAIN, (" or (count == highest and pair < best)", "")),
        "ties to the largest pair": changed(TRAIN, ("pair < best", "pair > best")),
        "ties by the joined text": changed(TRAIN, ("pair < best", "''.join(pair) < ''.join(best)")),
        "counted once and for all": changed(
            TRAIN,
            ("    merges = []\n", "    merges = []\n    counts = count_pairs()\n"),
            ("        counts = count_pairs()\n        if", "        if"),
            ("        merges.append((best, highest))\n", "        merges.append((best, highest))\n        del counts[best]\n"),
        ),
        "across words": written("""
def train(words, k):
    symbols = [letter for word, count in words.items() for _ in range(count) for letter in word]
    merges = []
    for _ in range(k):
        counts = {}
        for pair in zip(symbols, symbols[1:]):
            counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append((best, counts[best]))
        i = 0
        while i < len(symbols) - 1:
            if (symbols[i], symbols[i + 1]) == best:
                symbols[i : i + 2] = ["".join(best)]
            i += 1
    return merges
"""),
        "merges inside a symbol": written("""
def train(words, k):
    words = {" ".join(word): count for word, count in words.items()}
    merges = []
    for _ in range(k):
        counts = {}
        for word, count in words.items():
            symbols = word.split()
            for pair in zip(symbols, symbols[1:]):
                counts[pair] = counts.get(pair, 0) + count
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append((best, counts[best]))
        words = {word.replace(" ".join(best), "".join(best)): count for word, count in words.items()}
    return merges
"""),
        "the first place of a word only": changed(
            TRAIN, ("[best[0] + best[1]]\n", "[best[0] + best[1]]\n                    break\n")
        ),
        "merged from the right": changed(
            TRAIN,
            (
                "            i = 0\n            while i < len(symbols) - 1:",
                "            i = len(symbols) - 2\n            while i >= 0:",
            ),
            ("= [best[0] + best[1]]\n                i += 1", "= [best[0] + best[1]]\n                i -= 1"),
            ("symbols[i] == best[0] and", "symbols[i] == best[0] and i + 1 < len(symbols) and"),
        ),
        "pairs that occur once left out": changed(
            TRAIN, ("        return counts\n", "        return {pair: count for pair, count in counts.items() if count >= 2}\n")
        ),
    },
    "04.4": {
        "the leftmost pair first": written("""
def encode(text, merges):
    ids = list(text.encode())
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) in merges:
            ids[i : i + 2] = [256 + merges.index((ids[i], ids[i + 1]))]
            i = 0
        else:
            i += 1
    return ids
"""),
        "the longest token from the left": written("""
def encode(text, merges):
    vocabulary = [bytes([i]) for i in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    data, ids, i = text.encode(), [], 0
    while i < len(data):
        for length in range(len(data) - i, 0, -1):
            if data[i : i + length] in vocabulary:
                ids.append(vocabulary.index(data[i : i + length]))
                i += length
                break
    return ids
"""),
        "the latest merge first": changed(ENCODE, ("min(pairs", "max(pairs"), ('float("inf")', "-1")),
        "the most frequent pair first": changed(
            ENCODE,
            (
                'best = min(pairs, key=lambda pair: ranks.get(pair, float("inf")))',
                "best = max(pairs, key=lambda pair: pairs.count(pair) if pair in ranks else 0)",
            ),
        ),
        "one pass from the left": written("""
def encode(text, merges):
    old, ids, i = list(text.encode()), [], 0
    while i < len(old):
        if tuple(old[i : i + 2]) in merges:
            ids.append(256 + merges.index(tuple(old[i : i + 2])))
            i += 1
        else:
            ids.append(old[i])
        i += 1
    return ids
"""),
        "one merge only": changed(ENCODE, ("    return ids", "        return ids\n    return ids")),
        "each merge in one place only": changed(
            REPLAY, ("                i += 2", "                new += ids[i + 2 :]\n                break")
        ),
        "merges of merged tokens left out": changed(
            ENCODE, ("in enumerate(merges)}", "in enumerate(merges) if max(pair) <= 255}")
        ),
        "merged from the right": changed(
            ENCODE,
            ("        i = 0\n        while i < len(ids) - 1:", "        i = len(ids) - 2\n        while i >= 0:"),
            ("[256 + ranks[best]]\n            i += 1", "[256 + ranks[best]]\n                i -= 1\n            i -= 1"),
        ),
        "characters in place of bytes": changed(ENCODE, ('list(text.encode("utf-8"))', "[ord(c) for c in text]")),
        "tokens numbered from 0": changed(REPLAY, ("256 + rank", "rank")),
        "tokens numbered from 257": changed(REPLAY, ("256 + rank", "257 + rank")),
    },
    "04.5": {
        "token by token": changed(
            DECODE,
            ('data = b""', 'text = ""'),
            ("data += piece\n", "text += piece.decode(errors='replace')\n"),
            ('data.decode("utf-8", errors="replace")', "text"),
        ),
        "a character for each byte": changed(
            DECODE, ('data.decode("utf-8", errors="replace")', '"".join(chr(b) for b in data)')
        ),
        "ASCII only": changed(DECODE, ('data.decode("utf-8"', 'data.decode("ascii"')),
        "damaged bytes dropped": changed(DECODE, ('errors="replace"', 'errors="ignore"')),
        "an unfinished character dropped": written("""
def decode(ids, merges):
    import codecs
    vocabulary = [bytes([i]) for i in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    stream = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text, broken = "", 0
    for i in ids:
        text += stream.decode(vocabulary[i])
        try:
            vocabulary[i].decode()
        except ValueError:
            broken += 1
    return text, broken
"""),
        "the pair turned round": changed(
            DECODE, ("vocabulary[left] + vocabulary[right]", "vocabulary[right] + vocabulary[left]")
        ),
        "marks in the text counted": changed(
            DECODE, ('errors="replace"), broken', 'errors="replace"), data.decode("utf-8", errors="replace").count(chr(65533))')
        ),
        "marks in place of tokens counted": changed(
            DECODE, ("broken += 1", "broken += piece.decode(errors='replace').count(chr(0xFFFD))")
        ),
        "all beyond ASCII counted": changed(DECODE, ('piece.decode("utf-8")', 'piece.decode("ascii")')),
        "the whole tokens counted": changed(DECODE, ('errors="replace"), broken', 'errors="replace"), len(ids) - broken')),
        "bytes counted": changed(DECODE, ("broken += 1", "broken += len(piece)")),
        "single bytes only": changed(DECODE, ("broken += 1", "broken += i < 256")),
        "each token counted once": changed(
            DECODE,
            ("broken = 0", "broken = set()"),
            ("broken += 1", "broken.add(i)"),
            ('"replace"), broken', '"replace"), len(broken)'),
        ),
    },
    "04.6": {
        "spaces lost": changed(PIECES, (" ?[^\\W", "[^\\W"), ("| ?(?:", "|(?:"), ("+|\\s", "+")),
        "split at white space": changed(PIECES, ("for piece in re", "for piece in line.split():  # re")),
        "cut at spaces only": changed(PIECES, (" ?[^\\W\\d_]+| ?(?:[^\\w\\s]|[\\d_])+|", " ?\\S+|")),
        "every space a piece": changed(PIECES, (" ?[^\\W", "[^\\W"), ("| ?(?:", "|(?:")),
        "the space behind the word": changed(PIECES, (" ?[^\\W\\d_]+| ?(", "[^\\W\\d_]+ ?|("), (")+|", ")+ ?|")),
        "no space before signs": changed(PIECES, ("| ?(?:", "|(?:")),
        "several spaces in the word": changed(PIECES, (" ?[^\\W", " *[^\\W"), ("| ?(?:", "| *(?:")),
        "white space in one piece": changed(PIECES, ('|\\s"', '|\\s+"')),
        "tabs taken for spaces": changed(LOOP_PIECES, ('line[i] == " "', "line[i].isspace()")),
        "the letters of ASCII only": changed(LOOP_PIECES, ("c.isalpha()", "c.isascii() and c.isalpha()")),
        "digits among the letters": changed(PIECES, ("[^\\W\\d_]+", "\\w+"), ("(?:[^\\w\\s]|[\\d_])+", "[^\\w\\s]+")),
        "signs one by one": changed(PIECES, ("[\\d_])+", "[\\d_])")),
        "lower case": changed(PIECES, ("line)", "line.lower())")),
        "lines stripped": changed(LOOP_PIECES, ("        i = 0\n", "        line = line.strip()\n        i = 0\n")),
        "lines run together": changed(PIECES, ("in lines:", "in [''.join(lines)]:")),
        "the last line only": changed(
            PIECES,
            ("    for line", "    line = ''\n    for line"),
            ("        for piece", "        counts = {}\n        for piece"),
        ),
        "each piece counted once": changed(PIECES, ("counts[piece] += 1", "counts[piece] = 1")),
    },
    "04.7": {
        "a shorter name first": changed(SPLIT, ("sorted(special, key=len, reverse=True)", "special")),
        "a name read as a pattern": changed(RE_SPLIT, ("re.escape(name)", "name")),
        "a special token taken apart": written("""
def split_special(text, special):
    pieces = [text]
    for name in sorted(special, key=len, reverse=True):
        new = []
        for piece in pieces:
            parts = piece.split(name)
            for part in parts[:-1]:
                new += [part, name]
            new.append(parts[-1])
        pieces = [piece for piece in new if piece]
    return [(piece, piece in special) for piece in pieces if piece]
"""),
        "the longest name wherever it stands": written("""
def split_special(text, special):
    pieces = [text] if text else []
    for name in sorted(special, key=len, reverse=True):
        new = []
        for piece in pieces:
            if piece in special or name not in piece:
                new.append(piece)
                continue
            for i, part in enumerate(piece.split(name)):
                new += [name] * (i > 0) + [part] * (part != "")
        pieces = new
    return [(piece, piece in special) for piece in pieces]
"""),
        "the first special token only": changed(RE_SPLIT, ("re.split(pattern, text)", "re.split(pattern, text, maxsplit=1)")),
        "empty pieces kept": changed(RE_SPLIT, (" if piece]", "]")),
        "special tokens lost": changed(RE_SPLIT, ('"(" + ', ""), (' + ")"', "")),
        "spaces stripped": changed(
            RE_SPLIT, ("(piece, piece in", "(piece.strip(), piece in"), ("if piece]", "if piece.strip()]")
        ),
        "the mark turned round": changed(
            RE_SPLIT, ("piece in special", "piece not in special"), ("(text, False)", "(text, True)")
        ),
        "single characters where nothing is special": changed(
            RE_SPLIT, ("    if not special:\n        return [(text, False)] if text else []\n", "")
        ),
    },
    "04.8": {
        "nats": changed(MEASURE, (" / np.log(2)", "")),
        "multiplied by ln 2": changed(MEASURE, ("/ np.log(2)", "* np.log(2)")),
        "bits per token": changed(MEASURE, ("+= len(text)", "+= count")),
        "every text with the same weight": written("""
def per_character(nats, tokens, texts):
    values = [n * t / np.log(2) / len(text) for n, t, text in zip(nats, tokens, texts)]
    return sum(values) / len(values)
"""),
        "the plain mean of the losses": changed(SHORT_MEASURE, ("np.sum(nats * tokens)", "np.mean(nats) * tokens.sum()")),
        "the tokens left out": changed(SHORT_MEASURE, ("nats * tokens", "nats")),
        "bytes": changed(SHORT_MEASURE, ('"".join(texts)', '"".join(texts).encode()')),
        "spaces left out": changed(MEASURE, ("len(text)", "len(text.replace(' ', ''))")),
        "bits per word": changed(MEASURE, ("len(text)", "len(text.split())")),
        "tokens and characters exchanged": changed(
            SHORT_MEASURE, (' / len("".join(texts))', ' / tokens.sum() * len("".join(texts)) / tokens.sum()')
        ),
        "upside down": changed(MEASURE, ("bits / characters", "characters / bits")),
        "the perplexity": changed(MEASURE, ("float(bits / characters)", "float(2 ** (bits / characters))")),
        "the sum of all bits": changed(MEASURE, ("bits / characters", "bits")),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "04.1": {
        "nothing": written("def count_pairs(words): return {}"),
        "one for the first time": changed(
            COUNT, ("counts.get(pair, 0) + count", "counts[pair] + count if pair in counts else 1")
        ),
        "where a symbol stands first": changed(COUNT, ("word[i + 1]", "word[word.index(word[i]) + 1]")),
        "round the end": changed(
            COUNT, ("range(len(word) - 1)", "range(len(word))"), ("word[i + 1]", "word[(i + 1) % len(word)]")
        ),
        "symbols": changed(COUNT, ("(word[i], word[i + 1])", "word[i]")),
        "lists of pairs": changed(COUNT, ("return counts", "return list(counts.items())")),
        "shares": changed(COUNT, ("return counts", "return {pair: n / sum(counts.values()) for pair, n in counts.items()}")),
        "times the length": changed(COUNT, ("+ count", "+ count * len(word)")),
        "the right one first": changed(COUNT, ("(word[i], word[i + 1])", "(word[i + 1], word[i])")),
        "two apart": changed(COUNT, ("range(len(word) - 1)", "range(len(word) - 2)"), ("word[i + 1]", "word[i + 2]")),
        "places": changed(COUNT, ("+ count", "+ i")),
        "the most frequent only": changed(COUNT, ("return counts", "return dict([max(counts.items(), key=lambda x: x[1])])")),
        "equal neighbours passed over": changed(
            COUNT, ("            pair", "            if word[i] == word[i + 1]:\n                continue\n            pair")
        ),
        "pairs with the empty symbol": changed(COUNT, ("        for i", "        word = ('',) + word\n        for i")),
        "last count of the table": changed(COUNT, ("+ count", "+ list(words.values())[-1]")),
    },
    "04.2": {
        "an empty list": written("def merge(ids, pair, new): return []"),
        "where an id stands first": changed(MERGE, ("ids[i + 1] == pair[1]", "ids[ids.index(ids[i]) + 1] == pair[1]")),
        "sorted": changed(MERGE, ("return result", "return sorted(result)")),
        "one more at the end": changed(MERGE, ("return result", "return result + [new]")),
        "the pair itself": changed(MERGE, ("append(new)", "append(pair)")),
        "the sum": changed(MERGE, ("append(new)", "append(pair[0] + pair[1])")),
        "both deleted": changed(MERGE, ("            result.append(new)\n", "")),
        "one too far": changed(MERGE, ("i += 2", "i += 3")),
        "the last pair overlooked": changed(MERGE, ("i < len(ids) - 1", "i < len(ids) - 2")),
        "the first pair overlooked": changed(MERGE, ("if i <", "if 0 < i <")),
        "the second is enough": changed(MERGE, ("ids[i] == pair[0] and ", "")),
        "a run in one": changed(
            MERGE, ("i += 2", "i += 2\n            while i < len(ids) and ids[i] == pair[1]:\n                i += 1")
        ),
        "equal ids not merged": changed(MERGE, ("if i <", "if pair[0] != pair[1] and i <")),
        "an id for the new one": changed(MERGE, ("append(new)", "append(256)")),
        "twice running": changed(
            MERGE, ("return result", "return [x for i, x in enumerate(result) if i == 0 or x != new or result[i - 1] != new]")
        ),
        "first of each anywhere": written("def merge(ids, pair, new): return [new if i in pair else i for i in ids]"),
        "an extra id at the end": changed(MERGE, ("return result", "return result + ids[-1:]")),
    },
    "04.3": {
        "no merge": written("def train(words, k): return []"),
        "pairs only": changed(TRAIN, ("(best, highest))", "best)")),
        "count first": changed(TRAIN, ("(best, highest))", "(highest, best))")),
        "the joined symbol": changed(TRAIN, ("merges.append((best, highest))", "merges.append((''.join(best), highest))")),
        "one merge too many": changed(TRAIN, ("range(k)", "range(k + 1)")),
        "one merge too few": changed(TRAIN, ("range(k)", "range(k - 1)")),
        "k tokens in all": changed(TRAIN, ("range(k)", "range(k - len(set(''.join(words))))")),
        "an error at the end": changed(TRAIN, ("        if len(counts) == 0:\n            break\n", "")),
        "the rarest": changed(TRAIN, ("None, 0", "None, 10**9"), ("count > highest", "count < highest")),
        "stops at a tie": changed(TRAIN, ("len(counts) == 0:", "len(set(counts.values())) < len(counts) or not counts:")),
        "the highest count of all": changed(
            TRAIN, ("merges.append((best, highest))", "merges.append((best, max(words.values())))")
        ),
        "never merged": changed(TRAIN, ("symbols[i : i + 2] = [best[0] + best[1]]", "pass")),
        "the right one first": changed(TRAIN, ("[best[0] + best[1]]", "[best[1] + best[0]]")),
        "ties to the longer": changed(TRAIN, ("pair < best", "(-len(''.join(pair)), pair) < (-len(''.join(best)), best)")),
        "ties to the shorter": changed(TRAIN, ("pair < best", "len(''.join(pair)) < len(''.join(best))")),
        "ties by the first symbol": changed(TRAIN, ("pair < best", "pair[0] < best[0]")),
        "ties by the second symbol": changed(TRAIN, ("pair < best", "pair[::-1] < best[::-1]")),
        "ties to the last seen": changed(TRAIN, (" and pair < best", "")),
        "an end sign": changed(TRAIN, ("list(word) for", "list(word) + ['_'] for")),
        "a merged symbol stays as it is": changed(
            TRAIN,
            (
                "                counts[pair] =",
                "                if len(''.join(pair)) > 2:\n                    continue\n                counts[pair] =",
            ),
        ),
        "the number of words": changed(TRAIN, ("+ words[word]", "+ len(words)")),
        "in a set of letters": changed(TRAIN, ("list(word) for", "sorted(set(word)) for")),
    },
    "04.4": {
        "as many rounds as merges": written("""
def encode(text, merges):
    ids = list(text.encode())
    for _ in range(len(merges)):
        found = [(merges.index(pair), i) for i, pair in enumerate(zip(ids, ids[1:])) if pair in merges]
        if found:
            rank, i = min(found)
            ids[i : i + 2] = [256 + rank]
    return ids
"""),
        "stripped": changed(ENCODE, ("text.encode", "text.strip().encode")),
        "in lower case": changed(ENCODE, ("text.encode", "text.lower().encode")),
        "bytes only": written("def encode(text, merges): return list(text.encode())"),
        "Latin-1": changed(ENCODE, ('text.encode("utf-8")', 'text.encode("latin-1", errors="replace")')),
        "UTF-16": changed(ENCODE, ('"utf-8"', '"utf-16-le"')),
        "ASCII": changed(ENCODE, ('"utf-8"', '"ascii", errors="ignore"')),
        "without spaces": changed(ENCODE, ("text.encode", "text.replace(' ', '').encode")),
        "pairs as tokens": changed(ENCODE, ("[256 + ranks[best]]", "[best]")),
        "the latest first, replayed": changed(REPLAY, ("enumerate(merges)", "list(enumerate(merges))[::-1]")),
        "one merge too few": changed(REPLAY, ("enumerate(merges)", "enumerate(merges[:-1])")),
        "the last id lost": changed(REPLAY, ("while i < len(ids):", "while i < len(ids) - 1:")),
        "pairs turned round": changed(REPLAY, ("(left, right)", "(right, left)")),
        "stops at the first merge that is missing": changed(
            REPLAY, ("        ids = new", "        if new == ids:\n            break\n        ids = new")
        ),
        "two rounds": changed(
            ENCODE,
            ("    while len(ids) >= 2:", "    for _ in range(2):"),
            ("        best = ", "        if not pairs:\n            break\n        best = "),
        ),
        "an array": changed(ENCODE, ("    return ids", "    return np.array(ids)")),
        "a text": changed(ENCODE, ("    return ids", "    return ' '.join(map(str, ids))")),
        "an end token": changed(REPLAY, ("    return ids", "    return ids + [256 + len(merges)]")),
        "an empty text for the first byte": changed(REPLAY, ("    return ids", "    return ids or [0]")),
        "the smallest pair first": changed(
            ENCODE, ('key=lambda pair: ranks.get(pair, float("inf"))', "key=lambda pair: (pair not in ranks, pair)")
        ),
        "the largest token first": changed(
            ENCODE, ('key=lambda pair: ranks.get(pair, float("inf"))', "key=lambda pair: (pair not in ranks, -max(pair))")
        ),
        "composed anew": changed(
            ENCODE, ("    ids = list", "    import unicodedata\n    text = unicodedata.normalize('NFD', text)\n    ids = list")
        ),
    },
    "04.5": {
        "text only": changed(DECODE, ('"replace"), broken', '"replace")')),
        "count first": changed(
            DECODE, ('data.decode("utf-8", errors="replace"), broken', 'broken, data.decode("utf-8", errors="replace")')
        ),
        "always zero": changed(DECODE, ('"replace"), broken', '"replace"), 0')),
        "a flag": changed(DECODE, ('"replace"), broken', '"replace"), broken > 0')),
        "strict": changed(DECODE, (', errors="replace"', "")),
        "a question mark": changed(DECODE, ('errors="replace")', 'errors="replace").replace(chr(65533), "?")')),
        "escapes": changed(DECODE, ('errors="replace"', 'errors="backslashreplace"')),
        "surrogates": changed(DECODE, ('errors="replace"', 'errors="surrogateescape"')),
        "bytes": changed(DECODE, ('data.decode("utf-8", errors="replace")', "data")),
        "white space stripped": changed(DECODE, ('errors="replace")', 'errors="replace").strip()')),
        "UTF-16": changed(DECODE, ('data.decode("utf-8"', 'data.decode("utf-16"')),
        "one level": changed(DECODE, ("vocabulary[left] + vocabulary[right]", "bytes([left % 256, right % 256])")),
        "stripped": changed(DECODE, ('errors="replace")', 'errors="replace").strip(chr(65533))')),
        "unmerged tokens only": changed(DECODE, ("    for i in ids:", "    for i in [i for i in ids if i < 256]:")),
        "a space between tokens": changed(DECODE, ("data += piece", 'data += piece + b" "')),
        "merged tokens counted": changed(DECODE, ("broken += 1", "broken += i >= 256")),
        "marks run together": changed(DECODE, ('errors="replace")', 'errors="replace").replace(2 * chr(65533), chr(65533))')),
        "numbered from 257": changed(DECODE, ("256 + r", "257 + r")),
        "turned round": changed(DECODE, ("data += piece", "data = piece + data")),
        "decoded at each whole token": changed(
            DECODE,
            ('data = b""', 'data, text = b"", ""'),
            (
                '            piece.decode("utf-8")\n',
                "            piece.decode(\"utf-8\")\n            text, data = text + data.decode(errors='ignore'), b''\n",
            ),
            ("data.decode(", "text + data.decode("),
        ),
    },
    "04.6": {
        "nothing": written("def count_pieces(lines): return {}"),
        "characters": changed(PIECES, ("for piece in re", "for piece in line:  # re")),
        "whole lines": changed(PIECES, ("for piece in re", "for piece in [line]:  # re")),
        "pieces without their counts": changed(PIECES, ("return counts", "return list(counts)")),
        "pairs": changed(PIECES, ("return counts", "return sorted(counts.items())")),
        "an empty piece": changed(PIECES, ("return counts", 'counts[""] = 0\n    return counts')),
        "spaces lost at the end": changed(PIECES, ("+|\\s", "+|\\s(?=.)")),
        "white space lost": changed(PIECES, ("+|\\s", "+")),
        "underscores with letters": changed(PIECES, ("\\W\\d_", "\\W\\d"), ("|[\\d_]", "|\\d")),
        "the letters of Latin-1": changed(PIECES, ("[^\\W\\d_]+", "[A-Za-zÀ-ÿ]+"), ("[^\\w\\s]", "[^A-Za-zÀ-ÿ\\s]")),
        "white space of ASCII": changed(LOOP_PIECES, (".isspace()", " in (' ', '\\t')"), ("c in", "c in")),
        "underscores lost": changed(PIECES, ("[\\d_]", "\\d")),
        "digits in pieces of their own": changed(PIECES, ("(?:[^\\w\\s]|[\\d_])+", "(?:[^\\w\\s]|_)+| ?\\d+")),
        "digits lost": changed(PIECES, ("[\\d_]", "_")),
        "signs lost": changed(PIECES, ("[^\\w\\s]|", "")),
        "a break at each line's end": changed(PIECES, ("in lines:", "in ['\\n'.join(lines)]:")),
        "a space at the beginning of each line": changed(PIECES, ('", line)', "\", ' ' + line)")),
        "the first line only": changed(PIECES, ("in lines:", "in lines[:1]:")),
        "only pieces that occur twice": changed(PIECES, ("return counts", "return {p: n for p, n in counts.items() if n > 1}")),
        "as the byte-level tokenizers do": changed(PIECES, ("+|\\s", "+|\\s+(?!\\S)|\\s")),
        "tabs as spaces": changed(PIECES, ("line)", "line.replace('\\t', ' '))")),
        "each line once": changed(PIECES, ("in lines:", "in dict.fromkeys(lines):")),
        "by the number of lines": changed(
            PIECES, ("for piece in re.findall(", "for piece in set(re.findall("), ("line):", "line)):")
        ),
        "title case": changed(PIECES, ("line)", "line.title())")),
    },
    "04.7": {
        "all plain": written("def split_special(text, special): return [(text, False)]"),
        "pieces only": changed(RE_SPLIT, ("(piece, piece in special) for", "piece for")),
        "as numbers": changed(RE_SPLIT, ("(piece, piece in special)", "(piece, int(piece in special))")),
        "as names": changed(RE_SPLIT, ("(piece, piece in special)", "(piece, piece if piece in special else None)")),
        "special first": changed(SPLIT, ("return pieces", "return sorted(pieces, key=lambda piece: not piece[1])")),
        "character by character": changed(
            SPLIT, ("            plain += text[i]\n", "            pieces.append((text[i], False))\n")
        ),
        "the end lost": changed(SPLIT, ("    if plain:\n        pieces.append((plain, False))\n    return", "    return")),
        "the beginning lost": changed(
            SPLIT, ("                if plain:\n                    pieces.append((plain, False))\n", "")
        ),
        "plain text carried on": changed(SPLIT, ('                plain = ""\n', "")),
        "in any case": changed(RE_SPLIT, ("re.split(pattern, text)", "re.split(pattern, text.lower().title())")),
        "between spaces only": changed(RE_SPLIT, ('"(" +', '"(?<!\\\\S)(" +'), ('+ ")"', '+ ")(?!\\\\S)"')),
        "neighbours in one": changed(
            RE_SPLIT,
            ('"(" + ', '"((?:" + '),
            ('+ ")"', '+ ")+)"'),
            ("piece in special", "re.fullmatch(pattern, piece) is not None"),
        ),
        "at the first sign": changed(SPLIT, ("text[i:].startswith(name)", "text[i] == name[0]")),
        "the names sorted": changed(RE_SPLIT, ("sorted(special, key=len, reverse=True)", "sorted(special)")),
        "by number of names": changed(RE_SPLIT, ("sorted(special, key=len, reverse=True)", "special[:1]")),
        "no empty text": changed(RE_SPLIT, ("if text else []", ""), ("    if not special:", "    if not special or not text:")),
        "one behind": changed(SPLIT, ("i += len(name)", "i += len(name) - 1")),
        "one ahead": changed(SPLIT, ("i += len(name)", "i += len(name) + 1")),
        "built in where none are given": changed(
            RE_SPLIT, ("    if not special:", "    special = special or ['##']\n    if not special:")
        ),
        "blank pieces dropped": changed(RE_SPLIT, (" if piece]", " if piece.strip() and len(piece) > 1]")),
        "the shortest first": changed(SPLIT, ("key=len, reverse=True", "key=len")),
    },
    "04.8": {
        "zero": written("def per_character(nats, tokens, texts): return 0.0"),
        "texts stripped": changed(MEASURE, ("len(text)", "len(text.strip())")),
        "weighted by the tokens": written("""
def per_character(nats, tokens, texts):
    lengths = np.array([len(text) for text in texts])
    return float(np.average(nats * tokens / lengths, weights=tokens) / np.log(2))
"""),
        "in base 10": changed(MEASURE, ("np.log(2)", "np.log(10)")),
        "an array": changed(SHORT_MEASURE, ("np.sum(nats * tokens)", "(nats * tokens)")),
        "the first text": changed(
            SHORT_MEASURE, ("np.sum(nats * tokens)", "(nats * tokens)[0]"), ('"".join(texts)', "texts[0]")
        ),
        "the last text": changed(MEASURE, ("bits += ", "bits = "), ("characters += ", "characters = ")),
        "joined with spaces": changed(SHORT_MEASURE, ('"".join', '" ".join')),
        "stripped letters": changed(SHORT_MEASURE, ('len("".join(texts))', 'sum(c.isascii() for c in "".join(texts))')),
        "a whole number": changed(MEASURE, ("float(bits", "int(bits")),
        "rounded": changed(MEASURE, ("bits / characters", "round(bits / characters, 2)")),
        "a text": changed(MEASURE, ("float(bits / characters)", "str(bits / characters)")),
        "per text": changed(MEASURE, ("+= len(text)", "+= 1")),
        "different characters": changed(MEASURE, ("len(text)", "len(set(text))")),
        "with an end token each": changed(MEASURE, ("len(text)", "len(text) + 1")),
        "characters for tokens": changed(MEASURE, ("loss * count", "loss * len(text)")),
        "the mean length": changed(SHORT_MEASURE, ('len("".join(texts))', "np.mean([len(text) for text in texts])")),
        "the median": changed(
            MEASURE, ("float(bits / characters)", "float(np.median(nats * tokens / np.log(2) / [len(t) for t in texts]))")
        ),
        "divided by the tokens": changed(MEASURE, ("loss * count", "loss / count")),
        "the negative": changed(MEASURE, ("float(bits", "float(-bits")),
        "ten tokens at most": changed(MEASURE, ("loss * count", "loss * min(count, 10)")),
        "twice": changed(MEASURE, ("/ np.log(2)", "/ np.log(2) / np.log(2)")),
    },
}
