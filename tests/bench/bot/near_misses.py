"""`python -m tests.bench.bot.near_misses`: texts with look-alikes in them; none may silently mean another."""

import argparse
import random
import sys
import unicodedata
from collections import Counter

from bot.errors import UserError
from bot.language.options import read, request
from engine.prompts import BARS, COLONS, MINUSES, parse_prompt

LIKE = {
    "|": BARS,
    ":": COLONS,
    "-": MINUSES,
    ".": ".．٫·。",
    ",": ",，、",
    "=": "=＝﹦",
    " ": " \u00a0\u2003\u3000\u2800",
    **{str(d): f"{d}{chr(0xFF10 + d)}{chr(0x0660 + d)}{chr(0x1D7CE + d)}{'⁰¹²³⁴⁵⁶⁷⁸⁹'[d]}" for d in range(10)},
    "0": "0０ОO",
    "1": "1１lІ",
    "x": "x×х",
    "e": "eе",
    "a": "aа",
}
HIDDEN = "\u200b\u2060\ufeff\u00ad\u200e\u202a"
WORDS = [
    "a star",
    "half-life 3",
    "red fog",
    "звезда",
    "a clock that shows 23:59",
    "a poster in 16:9",
    "night",
    "C. D. F.",
]
WEIGHTS = ["", "", ":2", ":-1", ": 0.5", ":1.5", ":-0.25", ":10"]
OPTIONS = [
    "--seed 7",
    "--steps=50",
    "--size 256x384",
    "--eta 0.5",
    "--count 2",
    "--style ink",
    "--guidance-scale 0:10,100:5",
]
CANONICAL = {ord(sign): plain for plain, signs in LIKE.items() for sign in signs} | dict.fromkeys(map(ord, HIDDEN))


def valid(rng: random.Random) -> str:
    """A text that somebody types, with weights and options."""
    parts = " | ".join(rng.choice(WORDS) + rng.choice(WEIGHTS) for _ in range(rng.randint(1, 3)))
    return " ".join([parts, *rng.sample(OPTIONS, rng.randint(0, 2))])


def mutated(rng: random.Random, text: str) -> str:
    """One to three signs in another shape, or with something beside them that nobody sees; or phones' dashes."""
    if rng.random() < 0.2:
        return text.replace("--", rng.choice(["—", "–", "―", "−", "-–", "‑‑", "——"]))
    signs = list(text)
    for at in rng.sample(range(len(signs)), min(len(signs), rng.randint(1, 3))):
        if rng.random() < 0.15:
            signs[at] = rng.choice(HIDDEN) + signs[at]
        else:
            signs[at] = rng.choice(LIKE.get(signs[at], signs[at]))
    return "".join(signs)


def meaning(text: str) -> tuple[object, ...]:
    """Parts, weights and options; words as a keyboard of 1980 has them. Raises UserError."""
    words, options = read(text)
    request(words, {name: value for name, value in options.items() if name != "style"})
    parts = [(plain(part.text), part.weight) for part in parse_prompt(words)]
    return parts, {name: plain(value) if isinstance(value, str) else value for name, value in options.items()}


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text.translate(CANONICAL)).translate(CANONICAL).split())


def tried(count: int, seed: int) -> tuple[Counter[str], list[tuple[str, str]]]:
    """How many mean the same, how many were refused; and (text, mutation) of each that means another thing."""
    rng, outcomes, other = random.Random(seed), Counter[str](), []
    while outcomes.total() + len(other) < count:
        text = valid(rng)
        changed = mutated(rng, text)
        if changed == text:
            continue
        try:
            same = meaning(changed) == meaning(text)
        except UserError:
            outcomes["refused with a sentence"] += 1
            continue
        if same:
            outcomes["the same meaning"] += 1
        else:
            other.append((text, changed))
    return outcomes, other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    outcomes, other = tried(args.count, args.seed)
    for text, changed in other[:10]:
        print(f"{text!r}\n  as {changed!r} means {meaning(changed)}")
    print(f"{args.count} mutations: {dict(outcomes)}; {len(other)} silently mean another thing")
    sys.exit(bool(other))


if __name__ == "__main__":
    main()
