"""Noun phrases drawn at random, of about the length asked for, by someone who remembers what has been named.

`room` is the number of English words that a part may fill. What is drawn first leaves the rest to what comes behind it.
"""

from functools import cache
from random import Random

from utils.data.french import lexicon
from utils.data.french.clauses import NOTHING, aligned, clause, infinitive
from utils.data.french.nominals import Nominal, gap, genitive, name, noun_phrase, of, pronoun, who
from utils.data.french.phrases import Phrase, phrase
from utils.data.french.words import Adjective, Noun, Verb

PERSON, PLACE, IDEA = frozenset({"person"}), frozenset({"place"}), frozenset({"idea"})
OWNERS = {  # the kinds of noun that may stand behind one of this kind and "of"
    "person": frozenset({"place"}),
    "animal": PERSON,
    "thing": PERSON,
    "text": PERSON,
    "place": frozenset({"person", "place"}),
}
OF_IDEAS = {"zone", "school", "university", "market", "book"}  # of music, of international trade
NUMBERS = {found.english[0]: found.french["m", True] for found in lexicon.DETERMINERS.values() if found.number}
DAYS = {"1": "1er", **{str(day): str(day) for day in range(2, 13)}}
EVERYONE = (lexicon.I, lexicon.YOU, lexicon.HE, lexicon.SHE)
STRANGERS = (lexicon.I, lexicon.HE, lexicon.SHE)  # in a sentence with an order, which is polite, nobody is called tu
POSSESSIVE = ["my", "your", "his", "her", "their"]
SINGULAR = ["the", "the", "the", "a", "a", "a", "every", "this", "that", *POSSESSIVE]
PLURAL = ["the", "the", "the", "some", "some", "a lot of", "several", *NUMBERS, "this", "that", *POSSESSIVE]
MASS = ["the", "the", "some", "some", "a lot of", "this", "my", "her"]


@cache
def nouns(kinds: frozenset[str]) -> list[Noun]:
    return [noun for noun in lexicon.NOUNS if noun.kind in kinds]


@cache
def adjectives(kind: str, before: bool) -> list[Adjective]:
    return [adjective for adjective in lexicon.ADJECTIVES if kind in adjective.fits and adjective.before == before]


@cache
def verbs(kind: str, bare: bool = False) -> list[Verb]:
    """The verbs that may have such an object; `bare`: those without a particle and a preposition, which have a passive."""
    found = [verb for verb in lexicon.TRANSITIVE if kind in verb.takes]
    return [verb for verb in found if verb.lemma == verb.english[0]] if bare else found


class Namer:
    """Draws noun phrases, and remembers the gender of what pronouns then stand for.

    It is the last singular thing named, they the last persons in the plural, them the last plural of any kind.
    """

    def __init__(self, rng: Random) -> None:
        self.random = rng.random
        self.it = self.they = self.them = "m"
        self.people = EVERYONE

    # --- chance

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def one_of(self, options):
        return options[int(self.random() * len(options))]

    def between(self, least: int, most: int) -> int:
        """A number from `least` to `most`, or `least` if that is more."""
        return least + int(self.random() * (most - least + 1)) if most > least else least

    # --- noun phrases

    def remember(self, noun: Noun, plural: bool) -> None:
        person = noun.kind == "person"
        if plural:
            self.them = noun.gender
            self.they = noun.gender if person else self.they
        elif not person:
            self.it = noun.gender

    def described(
        self, room: int, kinds: frozenset[str], *, denied: bool = False, simple: bool = False, new: bool = False
    ) -> Nominal:
        """A noun with a determiner, adjectives, and what follows.

        `denied`: as the object of a negated verb; `simple`: without "some" and without a clause; `new`: not named before.
        """
        noun = self.one_of(nouns(kinds))
        if room > 4 and not (noun.mass or new) and self.chance(0.15):
            return self.owned(room, noun)
        plural = not noun.mass and self.chance(0.35)
        said = self.one_of(PLURAL if plural else MASS if noun.mass else SINGULAR)
        unfit = (simple and said == "some", room > 4 and said in POSSESSIVE, said == "your" and lexicon.YOU not in self.people)
        if new:
            said = "some" if plural else "a"
        elif any(unfit):
            said = "the"
        negated = lexicon.AFTER_NEGATION.get(said) if denied else None
        determiner = negated or lexicon.DETERMINERS[said]
        size = 1 + len(determiner.english[plural].split())
        chosen = self.adjectives(room - size, noun.kind)
        self.remember(noun, plural)
        head = noun_phrase(determiner, noun, plural, chosen)
        return self.completed(head, room - size - len(chosen), simple)

    def adjectives(self, room: int, kind: str) -> list[Adjective]:
        """None, one that French sets before the noun, one that it sets behind, or both."""
        before, after = adjectives(kind, True), adjectives(kind, False)
        chosen = [self.one_of(before)] if before and room > 0 and self.chance(0.35) else []
        return [*chosen, self.one_of(after)] if after and room > len(chosen) and self.chance(0.55) else chosen

    def owned(self, room: int, noun: Noun) -> Nominal:
        """The king 's old house."""
        owner = self.described(min(3, room - 2), PERSON, simple=True) if self.chance(0.7) else self.name()
        plural = self.chance(0.3)
        self.remember(noun, plural)
        return genitive(owner, noun, plural, self.adjectives(room - len(owner.english) - 2, noun.kind))

    def completed(self, head: Nominal, room: int, simple: bool) -> Nominal:
        """The head with a phrase or a clause behind, if there is room: of the king, that she reads."""
        kind = head.noun.kind
        if 1 < room < 5 and head.noun.english[0] in OF_IDEAS and self.chance(0.7):
            idea = self.one_of(nouns(IDEA))
            chosen = [self.one_of(adjectives("idea", False))] if room > 2 else []
            self.remember(idea, False)
            return of(head, noun_phrase(None, idea, False, chosen))
        if room > 3 and not simple and self.chance(0.4):
            return head.followed_by(self.relative(head, room - 1))
        if room > 2 and kind in OWNERS:
            return of(head, self.described(room - 1, OWNERS[kind], simple=True))
        return head

    def relative(self, head: Nominal, room: int) -> Phrase:
        """Who runs, who sees the king; that she reads."""
        tense, kind = self.one_of(("present", "past")), head.noun.kind
        if kind == "person" and self.chance(0.6):
            if room < 3:
                return clause(who(head), self.one_of(lexicon.INTRANSITIVE), tense=tense)
            verb = self.one_of(lexicon.TRANSITIVE)
            return clause(who(head), verb, self.object(room - 1, verb.takes), tense=tense)
        subject = self.described(room - 1, PERSON, simple=True) if room > 2 else self.person()
        return phrase("that", "que") + clause(subject, self.one_of(verbs(kind)), gap(head), tense=tense)

    def name(self) -> Nominal:
        return name(*self.one_of(list(lexicon.NAMES.items())))

    def person(self) -> Nominal:
        """A subject of one word."""
        if self.chance(0.2):
            return self.name()
        return pronoun(self.one_of((*self.people, lexicon.THEY[self.they])), "subject")

    def subject(self, room: int) -> Nominal:
        """Who does something, in about half of the room at most."""
        if room < 5 or self.chance(0.45):
            return self.person()
        return self.described(self.between(2, room // 2), PERSON)

    def object(self, room: int, kinds: frozenset[str], denied: bool = False, subject: int = 2) -> Nominal:
        """What something is done to; `subject` is the person who does it, as no verb is reflexive here."""
        if room > 1 and (room > 4 or self.chance(0.6)):
            return self.described(room, kinds, denied=denied)
        options = [p for p in self.people if "person" in kinds and p.person != subject]
        if kinds != PERSON:
            options += [lexicon.IT[self.it]] * 3
        if "drink" not in kinds:
            options.append(lexicon.THEY[self.them])
        return pronoun(self.one_of(options), "object")

    # --- phrases behind a clause

    def circumstance(self, room: int, tense: str) -> Phrase:
        kinds = [self.time] * (tense in lexicon.TIMES and not self.timed) + [self.place, self.company] * (room > 2)
        kinds += [self.purpose] * (room > 4)
        return self.one_of(kinds)(room, tense) if kinds and room > 0 else NOTHING

    def time(self, room: int, tense: str) -> Phrase:
        """Yesterday, three days ago, on may 2."""
        self.timed = True
        number, day, month = (self.one_of(list(said.items())) for said in (NUMBERS, DAYS, lexicon.MONTHS))
        entries = [entry for entry in lexicon.TIMES[tense] if len(entry.partition("=")[0].split()) <= max(1, room)]
        entry = self.one_of(entries)
        return aligned(entry, {"#": day if "M" in entry else number, "M": month})

    def place(self, room: int, tense: str = "") -> Phrase:
        """In the garden, next to the old house."""
        where = phrase(*self.one_of(list(lexicon.PLACES.items())))
        return where + self.described(max(2, room - len(where.english)), PLACE, simple=True).phrase

    def company(self, room: int, tense: str) -> Phrase:
        """With the king."""
        how = phrase(*self.one_of(list(lexicon.COMPANY.items())))
        return how + (self.described(room - 1, PERSON, simple=True) if room > 2 else self.name()).phrase

    def purpose(self, room: int, tense: str) -> Phrase:
        """In order to see the king."""
        verb = self.one_of(lexicon.TRANSITIVE)
        return phrase("in order to", "pour") + infinitive(verb, self.object(room - 4, verb.takes))
