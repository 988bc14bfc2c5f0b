"""Sentences drawn at random, of about the length asked for, from clauses of which the last makes up the length.

Left out: how they are built, which is in `clauses`, `verbs` and `nominals`.
"""

from collections.abc import Callable

from utils.data.french import lexicon
from utils.data.french.clauses import (
    NOTHING,
    agreeing,
    clause,
    command,
    copula,
    existence,
    infinitive,
    passive,
)
from utils.data.french.naming import EVERYONE, PERSON, STRANGERS, Namer, adjectives, verbs
from utils.data.french.nominals import Nominal, pronoun, who
from utils.data.french.phrases import Phrase, phrase

GIFT, THERE = lexicon.GIVING[0].takes, frozenset({"person", "animal", "thing"})
OBJECTS, TITLES = frozenset({"thing", "food", "text", "place"}), frozenset({"place", "text"})
DESCRIBED = OBJECTS | PERSON
MODAL = ("can", "must", "want to")
COORDINATING = list(lexicon.COORDINATING.items())
SUBORDINATING = {  # by tense: French would have the imperfect after while, and no going to after when
    "present": list(lexicon.SUBORDINATING.items()),
    "past": list(lexicon.SUBORDINATING.items())[:3],
    "going to": list(lexicon.SUBORDINATING.items())[:1],
}
BIDDEN = [verb for verb in lexicon.TRANSITIVE if verb.lemma not in ("see", "love", "lose")]
UNKNOWN = Nominal([], [], 2, "m")  # who or what a question asks for


class Speaker(Namer):
    """Draws sentences."""

    def sentence(self, room: int) -> Phrase:
        """A statement, a question, an order or a title of about `room` English words. What was said before is forgotten."""
        self.it = self.they = self.them = "m"
        self.people = EVERYONE
        self.timed = False  # a time is said at most once
        tense = self.one_of(("present", "present", "present", "past", "past", "going to"))
        kind = self.random()
        if kind < 0.2:
            return self.question(room - 1, tense) + phrase("?", "?")
        if kind < 0.32:
            self.people = STRANGERS
            return self.order(room)
        if kind < 0.36 and 4 < room < 12:
            return self.described(room, TITLES).phrase
        if kind < 0.45 and room > 7:
            opening = self.time(3, tense) + phrase(",", ",")
            return opening + self.statements(room - len(opening.english), tense)
        return self.statements(room, tense)

    # --- clauses

    def statements(self, room: int, tense: str) -> Phrase:
        """Statements of 4 words or more, joined by and, because and the like."""
        if room < 10 or (room < 17 and self.chance(0.5)):
            return self.statement(room, tense)
        first = self.statement(self.between(4, min(room - 5, 12)), tense)
        return self.joined(first, room, tense, [*COORDINATING, *SUBORDINATING[tense]])

    def joined(self, first: Phrase, room: int, tense: str, connectives: list[tuple[str, str]]) -> Phrase:
        """More statements behind a first clause."""
        connective, french = self.one_of(connectives)
        comma = phrase(",", ",") if connective == "but" else NOTHING
        both = first + comma + phrase(connective, french)
        return both + self.statements(max(4, room - len(both.english)), tense)

    def statement(self, room: int, tense: str, asked: Phrase | None = None) -> Phrase:
        """One clause, perhaps with a time, a place, company or a purpose behind."""
        kept = self.between(2, min(6, room - 4)) if room > 5 and self.chance(0.4) else 0
        core = self.clause(room - kept, tense, asked)
        return core + self.circumstance(room - len(core.english), tense) if kept else core

    def clause(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        kinds = [self.acting] * 5 + [self.moving]
        if room > 4:
            kinds += [self.giving, self.reaching, self.perceiving]
        if tense != "going to":
            kinds += [self.describing] * 2
            if room > 5:
                kinds += [self.undergoing, self.existing, self.saying]
        return self.one_of(kinds)(room, tense, asked)

    def adverb(self, tense: str = "present") -> str:
        if self.chance(0.6):
            return ""
        of_ability = ("not", "not", "not", "never", "no longer")
        return self.one_of(of_ability if tense in (*MODAL, "going to") else (*of_ability, "often", "always"))

    def modal(self, tense: str) -> str:
        """The tense, or in the present, sometimes a modal verb instead."""
        return self.one_of(MODAL) if tense == "present" and self.chance(0.4) else tense

    def acting(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She sees the house."""
        subject, verb, tense = self.subject(room), self.one_of(lexicon.TRANSITIVE), self.modal(tense)
        adverb = self.adverb(tense)
        object = self.object(room - len(subject.english) - 1, verb.takes, adverb in lexicon.NEGATIONS, subject.person)
        return clause(subject, verb, object, tense=tense, adverb=adverb, asked=asked)

    def giving(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She gives it to him, she gives him the book, she gives the book to the king."""
        subject, verb, tense = self.subject(room), self.one_of(lexicon.GIVING), self.modal(tense)
        adverb = self.adverb(tense)
        room -= len(subject.english) + 1
        people = [p for p in self.people if p.person != subject.person]
        if room < 5 or self.chance(0.4):
            recipient = pronoun(self.one_of(people), "dative")
            if room < 4 or self.chance(0.3):
                object = pronoun(self.one_of((lexicon.IT[self.it], lexicon.THEY[self.them])), "object")
            else:
                object = self.described(room - 1, GIFT, denied=adverb in lexicon.NEGATIONS)
        else:
            object = self.described(self.between(2, room - 3), GIFT, denied=adverb in lexicon.NEGATIONS)
            recipient = self.described(room - len(object.english) - 1, PERSON, simple=True)
        return clause(subject, verb, object, recipient, tense=tense, adverb=adverb, asked=asked)

    def moving(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She runs."""
        subject = self.person() if room < 4 or self.chance(0.3) else self.described(room - 2, PERSON)
        tense = self.modal(tense)
        return clause(subject, self.one_of(lexicon.INTRANSITIVE), tense=tense, adverb=self.adverb(tense), asked=asked)

    def reaching(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She goes to the house, she needs the book: French has a preposition."""
        subject, verb, tense = self.subject(room), self.one_of(lexicon.OBLIQUE), self.modal(tense)
        object = self.described(max(2, room - len(subject.english) - 2), verb.takes, simple=True)
        return clause(subject, verb, object, tense=tense, adverb=self.adverb(tense), asked=asked)

    def perceiving(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She sees the girl run."""
        subject, tense = self.subject(room), self.modal(tense)
        seen = self.object(max(1, room - len(subject.english) - 2), PERSON, subject=subject.person)
        see, run = lexicon.VERBS["see"], self.verb_alone()
        return clause(subject, see, seen, tense=tense, adverb=self.adverb(tense), asked=asked, more=run)

    def verb_alone(self) -> Phrase:
        return infinitive(self.one_of(lexicon.INTRANSITIVE))

    def describing(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She is old, she is hungry, she is in the garden."""
        adverb, kind = self.adverb(), self.random()
        if kind < 0.25 and room > 5:
            subject = self.subject(room - 3)
            return copula(subject, self.place(room - len(subject.english) - 1), tense, adverb, asked)
        if kind < 0.5:
            subject = self.subject(room)
            after = phrase(*self.one_of(list(lexicon.HAVING.items())), "A")
            return copula(subject, after, tense, adverb, asked, verb=lexicon.AVOIR)
        if room < 5:
            subject = pronoun(lexicon.IT[self.it], "subject") if self.chance(0.3) else self.person()
            kinds = "thing" if subject.english[0].text == "it" else "person"
        else:
            subject = self.described(room - 2, DESCRIBED)
            kinds = subject.noun.kind
        options = adjectives(kinds, True) + adjectives(kinds, False)
        return copula(subject, agreeing(self.one_of(options), subject), tense, adverb, asked)

    def undergoing(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """The book is read by the king."""
        subject = self.described(self.between(2, room // 2), OBJECTS)
        verb = self.one_of(verbs(subject.noun.kind, bare=True))
        left = room - len(subject.english) - 3
        agent = self.described(left, PERSON) if left > 1 else self.name()
        return passive(subject, verb, agent, tense, self.adverb(), asked)

    def existing(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """There is a cat in the garden."""
        adverb = self.adverb()
        there = self.described(self.between(2, room - 5), THERE, denied=adverb in lexicon.NEGATIONS, new=True)
        return existence(there, tense, adverb, asked) + self.place(room - len(there.english) - 2)

    def saying(self, room: int, tense: str, asked: Phrase | None) -> Phrase:
        """She says that the cat sleeps. What is said is in any tense, the saying in the present."""
        verb = self.one_of((lexicon.SAY, lexicon.KNOW))
        said = clause(self.person(), verb, asked=asked) + phrase("that", "que")
        return said + self.statements(max(4, room - len(said.english)), tense)

    # --- questions and orders

    def question(self, room: int, tense: str) -> Phrase:
        """Most ask with est-ce que: does she see it, where does she see it, what does she see. Who sees it has none."""
        asking = self.one_of((self.whether, self.whether, self.whether, self.where, self.what, self.who_does))
        return self.filled(lambda room: asking(room, tense), room, tense)

    def whether(self, room: int, tense: str) -> Phrase:
        return self.statement(room, tense, NOTHING)

    def where(self, room: int, tense: str) -> Phrase:
        return self.acting(room - 2, tense, phrase(*self.one_of((("where", "où"), ("why", "pourquoi")))))

    def what(self, room: int, tense: str) -> Phrase:
        verb = self.one_of(lexicon.TRANSITIVE)
        asked = phrase("who", "qui") if "person" in verb.takes and self.chance(0.5) else phrase("what", "que")
        subject = self.person() if room < 6 else self.described(room - 3, PERSON, simple=True)
        return clause(subject, verb, UNKNOWN, tense=self.modal(tense), asked=asked)

    def who_does(self, room: int, tense: str) -> Phrase:
        verb = self.one_of(lexicon.TRANSITIVE)
        return clause(who(UNKNOWN), verb, self.object(room - 2, verb.takes), tense=self.modal(tense))

    def order(self, room: int) -> Phrase:
        """Look it up; give it to me; see that girl run. The last is said to a friend (tu), the others are polite (vous)."""
        return self.filled(self.command, room, "present")

    def command(self, room: int) -> Phrase:
        if self.chance(0.2):
            seen = self.described(max(2, room - 2), PERSON)
            return command(lexicon.WATCH, seen, familiar=True, more=self.verb_alone())
        denied = room > 3 and self.chance(0.3)
        room -= 1 + 2 * denied
        if room > 3 and self.chance(0.3):
            recipient = pronoun(self.one_of(STRANGERS), "dative")
            object = pronoun(self.one_of((lexicon.IT[self.it], lexicon.THEY[self.them])), "object")
            if self.chance(0.5):
                object = self.described(room - 1, GIFT, denied=denied)
            return command(self.one_of(lexicon.GIVING), object, recipient, denied=denied)
        verb = self.one_of(BIDDEN)
        return command(verb, self.object(room, verb.takes, denied, subject=1), denied=denied)

    def filled(self, first: Callable[[int], Phrase], room: int, tense: str) -> Phrase:
        """A first clause of at most 12 words or so, and statements behind it to fill the room."""
        if room < 10:
            return first(room)
        return self.joined(first(self.between(4, min(room - 5, 12))), room, tense, SUBORDINATING[tense])
