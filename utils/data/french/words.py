"""The kinds of words that the English to French grammar inflects, and the spelling rules that give their regular forms.

Each kind is read from one entry of a table. There a slash sets apart an irregular form or a feminine, a bar the form that
stands before a vowel (beau|bel), a plus a particle that can move (look+up), an underscore a preposition (look_at). Left out:
the words themselves, which are in `lexicon`.
"""

from typing import NamedTuple

Forms = dict[tuple[str, bool], str]  # French forms by gender, "m" or "f", and by whether it is the plural

ASPIRATE = frozenset(["hibou", "hiboux", "héros"])  # le hibou; every other h is mute: l' homme


def begins_with_vowel(french: str) -> bool:
    """Whether a French word is heard to begin with a vowel, so that the word before it may lose its own: l' arbre, l' homme."""
    return french[0] in "aeéioœuh" and french not in ASPIRATE


def english_s(word: str) -> str:
    """The plural of an English noun, and the third person of a verb: cats, cities, boys."""
    return word[:-1] + "ies" if word[-1] == "y" and word[-2] not in "aeou" else word + "s"


def english_past(word: str) -> str:
    """The past and the participle of a regular English verb: worked, loved."""
    return word + "d" if word[-1] == "e" else word + "ed"


def french_plural(word: str) -> str:
    """The plural of a French noun or adjective: chats, oiseaux, chevaux, vieux."""
    if word.endswith(("s", "x")):
        return word
    return word[:-2] + "aux" if word.endswith("al") else word + "x" if word.endswith("eau") else word + "s"


def gendered(masculine: str, feminine: str = "") -> Forms:
    """The four forms of a French adjective or participle: vieux|vieil vieille vieux vieilles."""
    plain = masculine.partition("|")[0]
    feminine = feminine or (plain if plain.endswith("e") else plain + "e")
    return {
        ("m", False): masculine,
        ("f", False): feminine,
        ("m", True): french_plural(plain),
        ("f", True): french_plural(feminine),
    }


class Noun(NamedTuple):
    english: tuple[str, str]  # singular, plural
    french: tuple[str, str]
    gender: str
    kind: str  # person, animal, thing, food, text, place, idea


def noun(entry: str, kind: str) -> Noun:
    """From "child/children enfant m"."""
    english, french, gender = entry.split()
    one, _, many = english.partition("/")
    un, _, plusieurs = french.partition("/")
    return Noun((one, many or english_s(one)), (un, plusieurs or french_plural(un)), gender, kind)


class Adjective(NamedTuple):
    english: str
    french: Forms
    before: bool  # French sets those of beauty, age, goodness and size before the noun, the others after it
    fits: frozenset[str]  # the kinds of noun that it describes


def adjective(entry: str, fits: str, before: bool = False) -> Adjective:
    """From "old vieux|vieil/vieille"."""
    english, french = entry.split()
    masculine, _, feminine = french.partition("/")
    return Adjective(english, gendered(masculine, feminine), before, frozenset(fits.split()))


class Determiner(NamedTuple):
    english: tuple[str, str]  # before a singular, before a plural
    french: Forms


def determiner(entry: str) -> Determiner:
    """From "this/these ce|cet cette ces"; from "every chaque" where one French form serves for all."""
    english, *french = [word.replace("_", " ") for word in entry.split()]
    masculine, feminine, plural = french * 3 if len(french) == 1 else french
    one, _, many = english.partition("/")
    forms = {("m", False): masculine, ("f", False): feminine, ("m", True): plural, ("f", True): plural}
    return Determiner((one, many or one), forms)


class Pronoun(NamedTuple):
    subject: tuple[str, str]  # English, French
    object: tuple[str, str]
    person: int  # the place of its form in Verb.french: 0 je, 1 tu, 2 il and elle, 3 ils
    gender: str


def pronoun(entry: str, person: int, gender: str = "m") -> Pronoun:
    """From "she elle her la"."""
    subject, sujet, object, objet = entry.split()
    return Pronoun((subject, sujet), (object, objet), person, gender)


class Verb(NamedTuple):
    lemma: str  # look up
    english: tuple[str, str, str, str]  # see, sees, saw, seen
    preposition: str  # look at a house: it comes before what is looked at
    particle: str  # look a word up: it follows a pronoun
    infinitive: str
    french: tuple[str, ...]  # je, tu, il, ils, vous
    participle: Forms
    takes: frozenset[str]  # the kinds of noun that it has as objects


def verb(entry: str, takes: str = "") -> Verb:
    """From "see saw seen = voir vois vois voit voient voyez vu", or "love = aimer" where both are regular.

    Of a French verb in -er whose stressed stem differs, the stem follows: acheter/achèt gives achète and achetez.
    """
    english, french = (side.split() for side in entry.split("="))
    base, _, particle = english[0].partition("+")
    base, _, preposition = base.partition("_")
    past = english[1:] or [english_past(base)]
    infinitive, _, stem = french[0].partition("/")
    if len(french) > 1:
        *forms, participle = french[1:]
    else:
        plain = infinitive[:-2]
        stem = stem or plain
        forms, participle = [stem + "e", stem + "es", stem + "e", stem + "ent", plain + "ez"], plain + "é"
    return Verb(
        english[0].replace("+", " ").replace("_", " "),
        (base, english_s(base), past[0], past[-1]),
        preposition,
        particle,
        infinitive,
        tuple(forms),
        gendered(participle),
        frozenset(takes.split()),
    )
