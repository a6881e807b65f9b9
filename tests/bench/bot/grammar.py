"""`python -m tests.bench.bot.grammar`: requests written out and read again, fuzzed texts, one language on all faces."""

import argparse
import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any, cast

from telegram import Update, User

from bot.adapters.discord.inbound import Interaction
from bot.adapters.discord.interactions import Mode
from bot.adapters.discord.slash import NO_OPTIONS, CommandListener, Commands
from bot.adapters.telegram.incoming import incoming_of
from bot.cli import draw as terminal
from bot.errors import UserError
from bot.language.commands import Imagine, parse
from bot.language.options import EXAMPLES, NAMES, OPTIONS, format_command, option_name, request
from bot.messages import Action, TextMessage, Value
from bot.texts import Texts
from engine import BOUNDS, CHOICES, RAMPS, WHOLE, Request
from tests.bench.bot.hostile import PIECES

WORDS = [
    "a",
    "star",
    "звезда",
    "half-life",
    "3",
    "|",
    ":2",
    ":-0.5",
    "|",
    "fog",
    "—",
    "–",
    "--",
    "-",
    "\\",
    "ночь:1.5",
    "🎉",
    "12:30",
    "“quoted”",
    "'",
    "/queue",
    "@all",
    "=",
    "--=",
    "x—seed",
    "1,5",
]
# Words that are options where nobody escapes them.
LIKE_OPTIONS = ["--seed", "--сид", "—steps", "–size", "\\--seed", "\\\\—cuts", "--Steps=7", "--style", "\\"]
LATER = ["a blue star", "+ луна", "- fog", "at 12:30 h", "--seed 7 | x"]  # what is said on the way
ME = User(id=1, first_name="Imago", is_bot=True, username="imago_bot")


def value(rng: random.Random, name: str) -> Any:
    """Any value that an option may have."""
    if name in CHOICES:
        return rng.choice(CHOICES[name])
    if name == "then":
        percents = sorted(rng.sample(range(101), rng.randint(1, 3)))
        return ";".join(f'{percent}%:"{rng.choice(LATER)}"' for percent in percents)
    if name == "models":
        return rng.choice(["toybox", "imagenet256", "my_own-set.v2"])
    if name == "size":
        return f"{rng.randint(1, 4096)}x{rng.randint(1, 4096)}"
    low, high = BOUNDS[name]
    if name in RAMPS and rng.random() < 0.5:
        percents = sorted(rng.sample(range(101), rng.randint(1, 5)))
        return ",".join(f"{percent}:{_number(rng, name, low, high, 4)}" for percent in percents)
    return _number(rng, name, low, high, rng.choice([2, 9, 17]))


def _number(rng: random.Random, name: str, low: float, high: float, digits: int) -> int | float:
    if name in WHOLE:
        return rng.randint(int(low), int(high))
    return min(high, max(low, round(rng.uniform(low, high) * rng.choice([1, 1e-2, 1e-4]), digits)))


TYPED = ("widths", "threads")  # options that no form has


def generated(rng: random.Random, words: list[str] | None = None) -> Request:
    """A request that somebody may make; its words are one line, as every face makes them."""
    options: dict[str, Any] = {name: value(rng, name) for name in OPTIONS if name not in TYPED and rng.random() < 0.3}
    if "pick" in options:
        options["count"] = rng.randint(options["pick"], 4)
    while True:
        prompt = " ".join(rng.choices(words or WORDS + LIKE_OPTIONS, k=rng.randint(1, 9)))
        try:
            return request(prompt, options)
        except UserError:
            continue  # words that are no prompt, such as a bar alone


def read(text: str) -> Request:
    """A text as the bot takes it, without defaults."""
    command = parse(text)
    assert isinstance(command, Imagine), command
    return request(command.prompt, command.options)


def round_trips(count: int, seed: int) -> int:
    """How many requests are the same after text → Request, and the text after Request → text."""
    rng, same = random.Random(seed), 0
    for _ in range(count):
        asked = generated(rng)
        text = format_command(asked)
        same += read(text) == asked and format_command(read(text)) == text
    return same


def fuzzed(rng: random.Random) -> str:
    """Pieces of commands, options and nonsense; now and then any characters at all."""
    if rng.random() < 0.2:
        return "".join(
            chr(rng.choice([rng.randrange(128), rng.randrange(0x500), rng.randrange(0x110000)]))
            for _ in range(rng.randint(0, 40))
        )
    pieces = PIECES + WORDS + LIKE_OPTIONS + [f"--{option_name(n)}" for n in NAMES] + list(EXAMPLES.values())
    pieces = [piece for piece in pieces if len(piece) < 1000]
    return rng.choice(["", " "]).join(rng.choice(pieces) for _ in range(rng.randint(0, 9)))


def crashes(count: int, seed: int) -> list[str]:
    """The texts that ended in anything but a Request or a sentence of both languages."""
    rng, texts, broken = random.Random(seed), Texts(), []
    for _ in range(count):
        text = fuzzed(rng)
        try:
            command = parse(text)
            if isinstance(command, Imagine):
                made = request(command.prompt, {k: v for k, v in command.options.items() if k != "style"})
                assert read(format_command(made)) == made, "not the same when written out"
        except UserError as refused:
            said = [texts.say(language, refused.text, **refused.values) for language in ("en", "ru")]
            if not all(said) or any(0xD800 <= ord(c) <= 0xDFFF for c in "".join(said)):
                broken.append(text)
        except Exception as error:
            broken.append(f"{text!r}: {error!r}")
    return broken


class Recorder:
    """A CommandListener that keeps what a slash command says."""

    def __init__(self) -> None:
        self.text = ""
        self.options: Mapping[str, Value] = {}

    async def handle_command(
        self,
        interaction: Interaction,
        text: str,
        mode: Mode,
        *,
        options: Mapping[str, Value] = NO_OPTIONS,
        **more: object,
    ) -> None:
        self.text, self.options = text, options

    async def handle_press(self, interaction: Interaction, action: Action, job: int) -> None: ...
    async def refuse(self, interaction: Interaction, text: str) -> None: ...
    async def handle_configuration(
        self, interaction: Interaction, channel: int | None, values: dict[str, Any]
    ) -> None: ...


def by_discord(asked: Request) -> Request:
    """Slash options."""
    listener = Recorder()
    slash = Commands(cast(CommandListener, listener), Texts().say)
    options = {name: value for name in OPTIONS if (value := getattr(asked, name)) is not None}
    given = {name: str(value) if name in RAMPS else value for name, value in options.items()}  # as the form takes them
    asyncio.run(slash.imagine(cast(Interaction, None), asked.prompt, **given))
    command = parse(listener.text, listener.options)
    assert isinstance(command, Imagine)
    return request(command.prompt, command.options)


def by_telegram(asked: Request) -> Request:
    """A message in a private chat."""
    person = {"id": 5, "first_name": "Ann", "is_bot": False}
    message = {
        "message_id": 1,
        "date": 0,
        "chat": {"id": 5, "type": "private"},
        "from": person,
        "text": format_command(asked),
    }
    (incoming,) = incoming_of(Update.de_json({"update_id": 1, "message": message}, None), ME)
    assert isinstance(incoming, TextMessage)
    return read(incoming.text)


def by_page(asked: Request) -> Request:
    """What the page's form has, stripped as its handler does."""
    return read(f" {format_command(asked)}\n".strip())


def by_shell(asked: Request) -> Request:
    """Arguments of `imago draw`."""
    options = [f"--{option_name(name)}={value}" for name in OPTIONS if (value := getattr(asked, name)) is not None]
    return terminal._request(terminal.parse([*options, "--", asked.prompt]).text, None)


FACES = {"Discord": by_discord, "Telegram": by_telegram, "page": by_page, "command line": by_shell}


def unlike(count: int, seed: int) -> list[tuple[str, Request]]:
    """Requests that a face makes another one of. Words that look like options are for those who type to escape."""
    rng = random.Random(seed)
    requests = [generated(rng, WORDS) for _ in range(count)]
    return [(name, asked) for name, face in FACES.items() for asked in requests if face(asked) != asked]


def main() -> None:
    """Print the figures; 1 when one is not as it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--said", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.monotonic()
    same = round_trips(args.requests, args.seed)
    print(f"{same} of {args.requests} generated requests are the same after being written out and read")
    broken = crashes(args.texts, args.seed)
    print(f"{len(broken)} of {args.texts} fuzzed texts broke something {broken[:3] or ''}")
    other = unlike(args.said, args.seed)
    print(f"{args.said} requests said through {len(FACES)} faces: {len(other)} came out otherwise {other[:1] or ''}")
    print(f"{time.monotonic() - began:.0f} s")
    raise SystemExit(bool(broken or other or same < args.requests))


if __name__ == "__main__":
    main()
