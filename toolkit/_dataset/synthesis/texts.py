"""What the images say: random strings over an alphabet, words, and texts with punctuation."""

import string
from collections.abc import Callable
from random import Random

LOOK_ALIKES = frozenset("0Oo1Ilckpsuvwxz")
"""Characters that nobody can tell apart once they are turned and stretched: among themselves, or small letters from
their capitals (the capitals stay)."""

WORDS = {
    length: tuple(words.split())
    for length, words in {
        3: "map oak tin jar sky fog hen rug elm ivy",
        4: "lamp wood gate frog dust milk yarn plum kite quay",
        5: "plant river stone house chalk jumbo vivid zebra youth queue",
        6: "market bridge window yellow jacket puzzle winter copper kidney violin",
        7: "journey crystal blanket mystery quality village freight zoology pumpkin hallway",
        8: "mountain keyboard overcoat fluidity triangle blackout exercise vineyard jubilant question",
        9: "landscape waterfall chocolate dangerous yesterday bookshelf vegetable xylophone quicksand majuscule",
        10: "strawberry blacksmith university motorcycle friendship hypothesis jackhammer quadrangle waterproof journalism",
        11: "observation legislature examination grandfather combination marketplace workmanship jabberwocky "
        "quicksilver thunderbolt",
        12: "architecture neighborhood refrigerator encyclopedia laboratories bibliography jurisdiction quantitative "
        "skateboarder veterinarian",
    }.items()
}

_DAYS, _MONTHS, _YEARS = (1, 28), (1, 12), (1950, 2049)


def _any_of(alphabet: str) -> Callable[[Random, int], str]:
    return lambda random, length: "".join(random.choice(alphabet) for _ in range(length))


def _word(random: Random, length: int) -> str:
    word = random.choice(WORDS[length])
    return random.choice((word, word.capitalize(), word.upper()))


def _punctuated(random: Random, length: int) -> str:
    """A price, date, time, share, code or address; cut to no length, because each has its own."""
    number = random.randint(10 ** max(length - 6, 0), 10 ** max(length - 4, 1))
    day, month, year = random.randint(*_DAYS), random.randint(*_MONTHS), random.randint(*_YEARS)
    code = "".join(random.choice(string.ascii_uppercase) for _ in range(2))
    forms = (
        f"${number:,}.{random.randint(0, 99):02d}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day}/{month}/{year % 100:02d}",
        f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}",
        f"{random.randint(1, 99)}.{random.randint(0, 9)}%",
        f"{code}-{number}",
        f"No. {number}",
        f"({code}) {random.randint(10, 999)}",
        f"{random.choice(WORDS[4])}@{random.choice(WORDS[3])}.org",
        f"{random.choice(WORDS[3])}&{random.choice(WORDS[4])}!",
        f"#{number}+{random.randint(2, 9)}",
    )
    return random.choice([form for form in forms if len(form) <= max(length, 5)])


ALPHABETS: dict[str, Callable[[Random, int], str]] = {
    "digits": _any_of(string.digits),
    "lower": _any_of(string.ascii_lowercase),
    "upper": _any_of(string.ascii_uppercase),
    "mixed": _any_of(string.ascii_letters),
    "alphanumeric": _any_of(string.ascii_letters + string.digits),
    "words": _word,
    "punctuated": _punctuated,
}
"""What may be written, by name: a function of a random source and a length."""


def without_look_alikes(alphabet: str) -> Callable[[Random, int], str]:
    """The same alphabet less `LOOK_ALIKES`, by drawing again; words and dates cannot be freed of them so."""
    make = ALPHABETS[alphabet]

    def draw(random: Random, length: int) -> str:
        text = ""
        while len(text) < length:
            character = make(random, 1)
            text += "" if character in LOOK_ALIKES else character
        return text

    return draw
