"""Sentences drawn at random, of about the length asked for.

`room` is the number of English words that a part may fill. What is drawn first leaves the rest to what comes behind it.
"""

from functools import cache
from random import Random

from utils.data.french import grammar, lexicon
from utils.data.french.grammar import NOTHING, Nominal
from utils.data.french.lexicon import AVOIR, NEGATIONS
from utils.data.french.phrases import Phrase, phrase
from utils.data.french.words import Adjective, Noun, Verb

PERSON, PLACE = frozenset({"person"}), frozenset({"place"})
THINGS, TITLES = frozenset({"thing", "food", "text", "place"}), frozenset({"place", "text"})
OWNERS = {  # the kinds of noun that may stand behind one of this kind and "of"
    **{"person": PLACE, "animal": PERSON, "thing": PERSON, "text": PERSON},
    "place": PERSON | PLACE,
}
OF_IDEAS = {"zone", "school", "city", "book"}  # of music, of international trade
SINGULAR = [*[lexicon.ARTICLE] * 5, *lexicon.DETERMINERS, *lexicon.SINGULAR * 2]
PLURAL = [*[lexicon.ARTICLE] * 5, *lexicon.DETERMINERS, *lexicon.PLURAL]
MODAL = ("can", "must")
FITTING = {  # adverbs by tense: French would have the imperfect with no longer
    "present": [*NEGATIONS, "often", "always"],
    "past": ["not", "never", "often", "always"],
    **dict.fromkeys([*MODAL, "going to"], NEGATIONS),
}
BIDDEN = [verb for verb in lexicon.TRANSITIVE if verb.lemma not in ("see", "love", "lose")]


@cache
def nouns(kinds: frozenset[str]) -> list[Noun]:
    return [noun for noun in lexicon.NOUNS if noun.kind in kinds]


@cache
def adjectives(kind: str, before: bool) -> list[Adjective]:
    return [adjective for adjective in lexicon.ADJECTIVES if kind in adjective.fits and adjective.before == before]


@cache
def suffered(kind: str) -> list[Verb]:
    """The verbs of one word that may have such an object: these have a passive."""
    return [verb for verb in lexicon.TRANSITIVE if kind in verb.takes and not verb.preposition + verb.particle]


class Speaker:
    """Draws sentences."""

    def __init__(self, rng: Random) -> None:
        self.random = rng.random

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def one_of(self, options):
        return options[int(self.random() * len(options))]

    def entry(self, table: dict[str, str]) -> tuple[str, str]:
        return self.one_of(list(table.items()))

    def between(self, least: int, most: int) -> int:
        """A number from `least` to `most`, or `least` if that is more."""
        return least + int(self.random() * (most - least + 1)) if most > least else least

    # --- sentences

    def sentence(self, room: int) -> Phrase:
        """A statement, a question, an order or a title of about `room` English words."""
        self.timed = False  # a time is said at most once
        tense, kind = self.one_of(("present", "present", "past", "past", "going to")), self.random()
        if kind < 0.12 and room < 16:
            asked = phrase(*self.entry(lexicon.ASKING))
            return self.statement(room - 1 - len(asked.english), tense, asked) + phrase("?", "?")
        if kind < 0.28 and room < 16:
            return self.order(room)
        if kind < 0.34 and 4 < room < 16:
            return self.described(room, TITLES).phrase
        if kind < 0.5 and room > 7:
            opening = self.time(3, tense)
            return opening + self.statements(room - len(opening.english), tense)
        return self.statements(room, tense)

    def statements(self, room: int, tense: str) -> Phrase:
        """Statements of 4 words or more, joined by and, but and because."""
        if room < 10 or (room < 17 and self.chance(0.5)):
            return self.statement(room, tense)
        first = self.statement(self.between(4, min(room - 5, 12)), tense)
        joined = first + phrase(*self.entry(lexicon.JOINING))
        return joined + self.statements(max(4, room - len(joined.english)), tense)

    def statement(self, room: int, tense: str, asked: Phrase | None = None) -> Phrase:
        """One clause, perhaps with a time, a place or company behind."""
        kept = self.kept(room)
        kinds = [self.acting] * 2 + [self.describing] * (tense != "going to") + [self.undergoing] * (tense == "present")
        core = self.one_of(kinds)(room - kept, tense, asked)
        return core + self.circumstance(room - len(core.english), tense) if kept else core

    def acting(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She sees the house, she can sing."""
        tense = self.one_of(MODAL) if tense == "present" and self.chance(0.4) else tense
        adverb = self.adverb(FITTING[tense])
        subject = self.subject(room, adverb in NEGATIONS)
        verb = self.one_of(lexicon.TRANSITIVE if self.chance(0.8) else lexicon.INTRANSITIVE)
        room -= len(subject.english) + 1
        object = self.object(room, verb.takes, adverb in NEGATIONS, subject.person) if verb.takes else None
        return grammar.clause(subject, verb, object, tense=tense, adverb=adverb, asked=asked)

    def describing(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She is old, she is hungry, she is in the garden."""
        adverb, kind = self.adverb(FITTING["present"]), self.random()
        denied = adverb in NEGATIONS
        if kind < 0.3 and room > 5:
            subject = self.subject(room - 3, denied)
            return grammar.copula(subject, self.place(room - len(subject.english) - 1), tense, adverb, asked)
        if kind < 0.6:
            after = phrase(*self.entry(lexicon.HAVING), "A")
            return grammar.copula(self.subject(room, denied), after, tense, adverb, asked, verb=AVOIR)
        subject = self.described(room - 2, THINGS | PERSON, denied) if room > 4 else self.person()
        kind = subject.noun.kind if subject.noun else "person"
        adjective = self.one_of(adjectives(kind, True) + adjectives(kind, False))
        return grammar.copula(subject, grammar.agreeing(adjective, subject), tense, adverb, asked)

    def undergoing(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """The book is seen by the king."""
        adverb = self.adverb(FITTING["present"])
        subject = self.described(self.between(2, room // 2), THINGS | PERSON, adverb in NEGATIONS)
        room -= len(subject.english) + 3
        agent = self.described(room, PERSON) if room > 1 else self.name()
        return grammar.passive(subject, self.one_of(suffered(subject.noun.kind)), agent, adverb, asked)

    def order(self, room: int) -> Phrase:
        """Look it up; do not look at the house in the garden."""
        verb, denied = self.one_of(BIDDEN), room > 4 and self.chance(0.3)
        kept = self.kept(room)
        left = 1 if self.chance(0.4) else room - kept - 1 - 2 * denied  # one word is a pronoun
        object = self.object(left, verb.takes, denied, subject=1)
        core = grammar.command(verb, object, denied)
        return core + self.circumstance(room - len(core.english), "present") if kept else core

    def kept(self, room: int) -> int:
        """What a clause leaves of the room for a circumstance behind it: often nothing."""
        return self.between(2, min(6, room - 4)) if room > 5 and self.chance(0.4) else 0

    def adverb(self, fitting: list[str]) -> str:
        """In most cases none."""
        return self.one_of(fitting) if self.chance(0.3) else ""

    # --- noun phrases

    def described(self, room: int, kinds: frozenset[str], plain: bool = False) -> Nominal:
        """A noun with a determiner, adjectives, and a noun of which it is; `plain`: as behind a negation, of and with."""
        noun, plural = self.one_of(nouns(kinds)), self.chance(0.35)
        if room > 4 and self.chance(0.15):
            owner = self.described(2, PERSON) if self.chance(0.7) else self.name()
            if owner.person == 2:
                return grammar.genitive(owner, noun, self.adjectives(room - len(owner.english) - 2, noun.kind))
        determiner = self.one_of(PLURAL if plural else SINGULAR)
        if plain and determiner.english[0] in lexicon.INDEFINITE:
            determiner = lexicon.ARTICLE
        size = 1 + len(determiner.english[plural].split())
        chosen = self.adjectives(room - size, noun.kind)
        head, room = grammar.noun_phrase(determiner, noun, plural, chosen), room - size - len(chosen)
        if 1 < room < 5 and noun.english[0] in OF_IDEAS and self.chance(0.7):
            described = [self.one_of(adjectives("idea", False))] if room > 2 else []
            return grammar.of(head, grammar.noun_phrase(None, self.one_of(lexicon.IDEAS), False, described))
        if room > 2 and noun.kind in OWNERS:
            part = self.described(room - 1, OWNERS[noun.kind], plain=True)  # of some houses would be de maisons
            return grammar.of(head, part)
        return head

    def adjectives(self, room: int, kind: str) -> list[Adjective]:
        """None, one that French sets before the noun, one that it sets behind, or both."""
        before, after = adjectives(kind, True), adjectives(kind, False)
        chosen = [self.one_of(before)] if before and room > 0 and self.chance(0.35) else []
        return [*chosen, self.one_of(after)] if after and room > len(chosen) and self.chance(0.55) else chosen

    def name(self) -> Nominal:
        return grammar.name(*self.entry(lexicon.NAMES))

    def person(self) -> Nominal:
        """A subject of one word."""
        return self.name() if self.chance(0.2) else grammar.pronoun(self.one_of(lexicon.SUBJECTS), "subject")

    def subject(self, room: int, denied: bool) -> Nominal:
        """Who does something, in about half of the room at most."""
        return self.person() if room < 5 or self.chance(0.4) else self.described(self.between(2, room // 2), PERSON, denied)

    def object(self, room: int, kinds: frozenset[str], denied: bool, subject: int) -> Nominal:
        """What something is done to; `subject` is the person who does it, as no verb is reflexive here."""
        if room > 1 and self.chance(0.7):
            return self.described(room, kinds, denied)
        people = [p for p in lexicon.SUBJECTS if p.person != subject] if "person" in kinds else []
        things = [lexicon.IT, lexicon.THEY] if kinds != PERSON else []
        return grammar.pronoun(self.one_of(people + things), "object")

    # --- phrases behind a clause

    def circumstance(self, room: int, tense: str) -> Phrase:
        if room > 0 and not self.timed and (room < 3 or self.chance(0.3)):
            return self.time(room, tense)
        return NOTHING if room < 3 else self.place(room) if self.chance(0.6) else self.company(room)

    def time(self, room: int, tense: str) -> Phrase:
        """Yesterday, three days ago."""
        self.timed = True
        entries = [entry for entry in lexicon.TIMES[tense] if len(entry.partition("=")[0].split()) <= room]
        return grammar.aligned(self.one_of(entries), {"#": self.entry(lexicon.NUMBERS)})

    def place(self, room: int) -> Phrase:
        """In the garden, next to the old house."""
        where = phrase(*self.entry(lexicon.PLACES))
        return where + self.described(max(2, room - len(where.english)), PLACE, plain=True).phrase

    def company(self, room: int) -> Phrase:
        """With the king."""
        how = phrase(*self.entry(lexicon.COMPANY))
        return how + (self.described(room - 1, PERSON, plain=True) if room > 2 else self.name()).phrase
