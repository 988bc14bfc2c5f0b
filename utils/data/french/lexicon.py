"""The words that the English to French grammar knows, a sense each, with what goes with what.

The notation of the tables is in `words`. Left out: how they are joined, which is in `grammar`.
"""

from collections.abc import Callable

from utils.data.french.words import adjective, determiner, noun, pronoun, verb


def _each(read: Callable, table: str, *features: str | bool | int) -> list:
    return [read(entry, *features) for entry in table.split(",")]


NOUNS = [
    *_each(noun, "girl fille f, boy garçon m, woman/women femme f, man/men homme m, king roi m, queen reine f", "person"),
    *_each(noun, "friend ami m, child/children enfant m, sister sœur f, hero/heroes héros m", "person"),
    *_each(noun, "cat chat m, dog chien m, horse cheval m, bird oiseau m, owl hibou/hiboux m", "animal"),
    *_each(noun, "car voiture f, flower fleur f, hat chapeau m, umbrella parapluie m, tree arbre m", "thing"),
    *_each(noun, "apple pomme f, orange orange f, egg œuf m", "food"),
    *_each(noun, "book livre m, letter lettre f, word mot m, story histoire f", "text"),
    *_each(noun, "house maison f, garden jardin m, school école f, hotel hôtel m, zone zone f, city ville f", "place"),
]
IDEAS = _each(noun, "control contrôle m, trade commerce m, music musique f, art art m", "idea")  # the zone of control
NAMES = {"marie": "f", "anne": "f", "paul": "m", "arthur": "m"}

ADJECTIVES = [
    *_each(adjective, "beautiful beau|bel/belle, old vieux|vieil/vieille", "person animal thing text place", True),
    *_each(adjective, "new nouveau|nouvel/nouvelle", "thing text place", True),
    *_each(adjective, "big grand, small petit", "thing place", True),
    *_each(adjective, "good bon/bonne", "person animal food text", True),
    *_each(adjective, "red rouge, white blanc/blanche, black noir, blue bleu", "thing animal"),
    *_each(adjective, "sad triste", "person animal text"),
    *_each(adjective, "happy heureux/heureuse, honest honnête, tired fatigué", "person"),
    *_each(adjective, "cold froid, hot chaud", "food"),
    *_each(adjective, "famous célèbre", "person text place"),
    *_each(adjective, "international international, modern moderne", "place idea"),
]

ARTICLE = determiner("the le la les")
DETERMINERS = [
    *_each(determiner, "this/these ce|cet cette ces, that/those ce|cet cette ces, my mon ma|mon mes"),
    *_each(determiner, "his son sa|son ses, her son sa|son ses, their leur leur leurs"),
]
SINGULAR = _each(determiner, "a un une -, every chaque")
NUMBERS = {"two": "deux", "three": "trois", "four": "quatre", "five": "cinq", "six": "six", "seven": "sept"}
PLURAL = [
    *_each(determiner, "some des, several plusieurs, a_lot_of beaucoup_de"),
    *(determiner(f"{number} {nombre}") for number, nombre in NUMBERS.items()),
]
INDEFINITE = frozenset(["a", "some", "every", "a lot of"])  # French says other things behind a negation, of, and with

I, YOU, IT = pronoun("i je me me", 0), pronoun("you tu you te", 1), pronoun("it il it le", 2)
HE, SHE, THEY = pronoun("he il him le", 2), pronoun("she elle her la", 2, "f"), pronoun("they ils them les", 3)
SUBJECTS = [I, YOU, HE, SHE, THEY]

ANY = "person animal thing text place"
TRANSITIVE = [  # what they are done to follows at once in French, or is a clitic
    *_each(verb, "see saw seen = voir vois vois voit voient voyez vu, love = aimer, look_for = chercher", ANY),
    *_each(verb, "look_at = regarder, draw drew drawn = dessiner", ANY),
    *_each(verb, "wait_for = attendre attends attends attend attendent attendez attendu, help = aider", "person"),
    *_each(verb, "buy bought = acheter/achèt", "thing food text"),
    *_each(verb, "lose lost = perdre perds perds perd perdent perdez perdu", "thing text"),
    *_each(verb, "pick+up = ramasser", "thing food"),
    *_each(verb, "eat ate eaten = manger", "food"),
    *_each(verb, "write wrote written = écrire écris écris écrit écrivent écrivez écrit", "text"),
    *_each(verb, "look+up = chercher", "text"),
    *_each(verb, "build built = construire construis construis construit construisent construisez construit", "place"),
]
VERBS = {verb.lemma: verb for verb in TRANSITIVE}
INTRANSITIVE = [
    *_each(verb, "run ran run = courir cours cours court courent courez couru, sing sang sung = chanter, work = travailler"),
    *_each(verb, "sleep slept = dormir dors dors dort dorment dormez dormi"),
]

# by the person of the subject: i, you, he, they
BE = {"present": ["am", "are", "is", "are"], "past": ["was", "were", "was", "were"]}
ETRE = {"present": ["suis", "es", "est", "sont"], "past": ["étais", "étais", "était", "étaient"]}
AVOIR = {"present": ["ai", "as", "a", "ont"], "past": ["avais", "avais", "avait", "avaient"]}
MODALS = {
    "can": ["peux", "peux", "peut", "peuvent"],
    "must": ["dois", "dois", "doit", "doivent"],
    "going to": ["vais", "vas", "va", "vont"],
}

# --- small words and fixed phrases

HAVING = {"hungry": "faim", "thirsty": "soif", "afraid": "peur", "right": "raison", "wrong": "tort"}  # is hungry, a faim
ADVERBS = {"not": "pas", "never": "jamais", "no longer": "plus", "often": "souvent", "always": "toujours"}
NEGATIONS = ["not", "never", "no longer"]  # with these French has ne as well
PLACES = {"in": "dans", "in front of": "devant", "behind": "derrière", "next to": "à côté de", "near": "près de"}
COMPANY = {"with": "avec", "without": "sans"}
JOINING = {"and": "et", "but": "mais", "because": "car"}
ASKING = {"": "", "why": "pourquoi"}

# English, French, and the English word, counted from 1, that each French word is linked with; # is filled in
HOUR = "at # o'clock = à # heures = 1 2 3"
TIMES = {
    "present": [HOUR, "every day = tous les jours = 1 1 2", "today = aujourd'hui = 1"],
    "past": [
        HOUR,
        "# days ago = il y a # jours = 3 3 3 1 2",
        "yesterday = hier = 1",
        "last week = la semaine dernière = 1 2 1",
    ],
    "going to": [HOUR, "in # days = dans # jours = 1 2 3", "tomorrow = demain = 1", "next week = la semaine prochaine = 1 2 1"],
}
