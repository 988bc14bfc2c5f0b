"""The words that the English to French grammar knows, a sense each, with what goes with what.

The notation of the tables is in `words`. Left out: how they are joined, which is in `nominals`, `verbs` and
`clauses`.
"""

from collections.abc import Callable

from utils.data.french.words import adjective, determiner, noun, pronoun, verb


def _each(read: Callable, table: str, *features: str | bool) -> list:
    return [read(entry, *features) for entry in table.split(",")]


NOUNS = [
    *_each(noun, "girl fille f, boy garçon m, woman/women femme f, man/men homme m, king roi m, queen reine f", "person"),
    *_each(noun, "friend ami m, child/children enfant m, sister sœur f, actress actrice f, hero/heroes héros m", "person"),
    *_each(noun, "cat chat m, dog chien m, horse cheval m, bird oiseau m, owl hibou/hiboux m", "animal"),
    *_each(noun, "car voiture f, flower fleur f, hat chapeau m, umbrella parapluie m, axe hache f", "thing"),
    *_each(noun, "clock horloge f, tree arbre m", "thing"),
    *_each(noun, "apple pomme f, orange orange f, egg œuf m", "food"),
    *_each(noun, "bread pain m, soup soupe f", "food", True),
    *_each(noun, "water eau f, milk lait m", "drink", True),
    *_each(noun, "book livre m, letter lettre f, word mot m, story histoire f, newspaper journal m", "text"),
    *_each(noun, "house maison f, garden jardin m, school école f, hotel hôtel m, church église f, zone zone f", "place"),
    *_each(noun, "university université f, city ville f, market marché m", "place"),
    *_each(noun, "control contrôle m, trade commerce m, music musique f, art art m", "idea", True),
]
NAMES = {"marie": "f", "anne": "f", "paul": "m", "arthur": "m"}

ADJECTIVES = [
    *_each(adjective, "beautiful beau|bel/belle, old vieux|vieil/vieille", "person animal thing text place", True),
    *_each(adjective, "new nouveau|nouvel/nouvelle", "thing text place", True),
    *_each(adjective, "big grand, small petit", "animal thing place", True),
    *_each(adjective, "good bon/bonne, bad mauvais", "person animal food drink text", True),
    *_each(adjective, "young jeune", "person animal", True),
    *_each(adjective, "red rouge, white blanc/blanche, black noir, blue bleu", "thing animal"),
    *_each(adjective, "sad triste", "person animal text"),
    *_each(adjective, "happy heureux/heureuse, honest honnête, tired fatigué", "person"),
    *_each(adjective, "famous célèbre, american américain", "person thing text place"),
    *_each(adjective, "cold froid, hot chaud", "food drink"),
    *_each(adjective, "international international, modern moderne, local local", "place idea"),
]

DETERMINERS = {
    found.english[0]: found
    for found in [
        *_each(determiner, "the le la les, a un une -, this/these ce|cet cette ces, that/those ce|cet cette ces"),
        *_each(determiner, "my mon ma|mon mes, your ton ta|ton tes, his son sa|son ses, her son sa|son ses"),
        *_each(determiner, "their leur leur leurs, every chaque, several plusieurs, a_lot_of beaucoup_de"),
        *_each(determiner, "some de_le de_la des"),  # some bread, du pain; some apples, des pommes
        *_each(determiner, "two deux, three trois, four quatre, five cinq, six six, seven sept, eight huit, nine neuf", True),
    ]
}
AFTER_NEGATION = {"a": determiner("a de"), "some": determiner("any de"), "every": DETERMINERS["the"]}  # pas de chat

I, YOU = pronoun("i je me me me", 0, "m"), pronoun("you tu you te te", 1, "m")
HE, SHE = pronoun("he il him le lui", 2, "m"), pronoun("she elle her la lui", 2, "f")
IT = {"m": pronoun("it il it le lui", 2, "m"), "f": pronoun("it elle it la lui", 2, "f")}
THEY = {"m": pronoun("they ils them les leur", 3, "m"), "f": pronoun("they elles them les leur", 3, "f")}

ANY = "person animal thing text place"
TRANSITIVE = [  # what they are done to follows at once in French, or is a clitic
    *_each(verb, "see saw seen = voir vois vois voit voient voyez vu, love = aimer, look_for = chercher", ANY),
    *_each(verb, "look_at = regarder, draw drew drawn = dessiner", ANY),
    *_each(verb, "wait_for = attendre attends attends attend attendent attendez attendu, help = aider", "person"),
    *_each(verb, "buy bought = acheter/achèt", "thing food text"),
    *_each(verb, "lose lost = perdre perds perds perd perdent perdez perdu", "thing text"),
    *_each(verb, "pick+up = ramasser", "thing text"),
    *_each(verb, "eat ate eaten = manger", "food"),
    *_each(verb, "drink drank drunk = boire bois bois boit boivent buvez bu", "drink"),
    *_each(verb, "write wrote written = écrire écris écris écrit écrivent écrivez écrit", "text"),
    *_each(verb, "look+up = chercher", "text"),
    *_each(verb, "build built = construire construis construis construit construisent construisez construit", "place"),
    *_each(verb, "visit = visiter", "place"),
]
VERBS = {verb.lemma: verb for verb in TRANSITIVE}
GIVING = _each(verb, "give gave given = donner, show showed shown = montrer, send sent = envoyer/envoi", "animal thing text")
INTRANSITIVE = [
    *_each(verb, "run ran run = courir cours cours court courent courez couru, sing sang sung = chanter, work = travailler"),
    *_each(verb, "sleep slept = dormir dors dors dort dorment dormez dormi, arrive = arriver"),
    *_each(verb, "leave left = partir pars pars part partent partez parti"),
]
OBLIQUE = [  # French has à or de before what they reach
    *_each(verb, "go_to went gone = aller_à vais vas va vont allez allé", "place"),
    *_each(verb, "come_from came come = venir_de viens viens vient viennent venez venu", "place"),
    *_each(verb, "talk_to = parler_à", "person"),
    *_each(verb, "answer = répondre_à réponds réponds répond répondent répondez répondu", "person text"),
    *_each(verb, "need = avoir_besoin_de ai as a ont avez eu", "person thing food drink text"),
]
WANT, SAY = verb("want = vouloir veux veux veut veulent voulez voulu"), verb("say said = dire dis dis dit disent dites dit")
KNOW, WATCH = verb("know knew known = savoir sais sais sait savent savez su"), verb("see saw seen = regarder")

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
NEGATIONS = {"not", "never", "no longer"}  # with these French has ne as well
PLACES = {"in": "dans", "in front of": "devant", "behind": "derrière", "next to": "à côté de", "near": "près de"}
COMPANY = {"with": "avec", "without": "sans"}
COORDINATING = {"and": "et", "but": "mais"}
SUBORDINATING = {"because": "parce que", "when": "quand", "as soon as": "dès que", "while": "pendant que"}

# English, French, and the English word, counted from 1, that each French word is linked with; # and M are filled in
HOUR, DATE = "at # o'clock = à # heures = 1 2 3", "on M # = le # M = 1 3 2"
SOON, AGO = "in # days = dans # jours = 1 2 3", "# days ago = il y a # jours = 3 3 3 1 2"
TIMES = {
    "present": [HOUR, "every day = tous les jours = 1 1 2", "today = aujourd'hui = 1"],
    "past": [HOUR, DATE, AGO, "yesterday = hier = 1", "last week = la semaine dernière = 1 2 1"],
    "going to": [HOUR, DATE, SOON, "tomorrow = demain = 1", "next week = la semaine prochaine = 1 2 1"],
}
MONTHS = {
    **{"january": "janvier", "february": "février", "march": "mars", "april": "avril", "may": "mai", "june": "juin"},
    **{"july": "juillet", "august": "août", "september": "septembre", "october": "octobre", "november": "novembre"},
    "december": "décembre",
}
