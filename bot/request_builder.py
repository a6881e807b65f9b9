"""builds a Request and its input pictures: prompt, options, style, defaults, attachments."""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.config import Config
from bot.errors import UserError
from bot.jobs.cost import normal_request
from bot.jobs.job import Job
from bot.language import options
from bot.language.commands import Imagine
from bot.language.styles import NONE, Styles, defaults_of, override
from bot.messages import Fetch, Incoming, Person, TextMessage, Value
from bot.storage.pictures import PictureStore
from engine import (
    MAX_SEED,
    MAX_TARGETS,
    BadPicture,
    BadRequest,
    Request,
    accept_picture_apart,
    knows_any_word,
    nearest_size,
    workload,
)

DECODING = 2  # pictures decoded at the same time, one per person, to bound memory
FETCHING = 20.0  # timeout in seconds for downloading an attachment


class RequestBuilder:
    """Builds requests from commands, styles, defaults and the available models."""

    def __init__(self, config: Config, models: Collection[str], pictures: PictureStore) -> None:
        self._config, self._models, self._pictures = config, models, pictures
        self._styles, self._defaults = Styles(config.styles), defaults_of(config.bot.options)
        self._accepting = asyncio.Semaphore(DECODING)
        self._accepting_of: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by person

    def request(self, incoming: Incoming, command: Imagine, parent: Job | None) -> Request:
        """Explicit options override the style, that the chat's defaults, those the config; a remix inherits all.

        Raises UserError.
        """
        text, here = (incoming.text, incoming.defaults) if isinstance(incoming, TextMessage) else ("", {})
        without = incoming.without if isinstance(incoming, TextMessage) else frozenset()
        start = override(self._defaults, here)
        if parent:
            usual = {name: value for name, value in start.items() if name in without}
            inherited = {n: value for n, value in _options(parent.request).items() if n not in without}
            start = override(usual, inherited)
        style = start.pop("style", NONE)
        prompt, said = self._styles.apply(command.prompt, {"style": style} | command.options, text)
        chosen = override({"seed": new_seed(), "models": self._config.engine.models, **start}, said)
        if "then" not in said:
            chosen.pop("then", None)  # what was said on the way belongs to the words that a remix replaces
        for name in ("widths", "threads"):  # of calls elsewhere: nobody pays for empty rows or idle threads here
            chosen.pop(name, None)
        models = str(chosen["models"])
        if models not in self._models:
            where = options.mark_value(text, "models", models)
            options.refuse_choice("models", models, sorted(self._models), where)
        if prompt != command.prompt and not knows_any_word(models):
            prompt = without_style(command, models, text)
        request = options.request(prompt, chosen)
        if request.size is not None and (near := nearest_size(request)) != request.size:
            where = options.mark_value(text, "size", request.size)
            values = {"models": models, "size": request.size, "near": near, "where": where}
            raise UserError("option-size-near", **values, name="size", meant=near)
        check_steps(incoming, request)
        return request

    async def inputs(self, incoming: Incoming, request: Request, parent: Job | None) -> dict[str, bytes]:
        """The validated pictures of a message; a remix without any inherits its parent's.

        By their names in PictureStore. Raises UserError.
        """
        fetches = incoming.pictures if isinstance(incoming, TextMessage) else ()
        if len(fetches) > MAX_TARGETS:
            raise UserError("too-many-pictures", limit=MAX_TARGETS)
        given = [await self.accept(await fetch_picture(fetch), incoming.person) for fetch in fetches]
        inherited = await self._pictures.inputs(parent.drawn_as) if parent else {}
        without = incoming.without if isinstance(incoming, TextMessage) else frozenset()
        inherited = {name: png for name, png in inherited.items() if name.rstrip("1234") not in without}
        inputs = {name: png for name, png in inherited.items() if not given or name == "init"}
        if request.init is None:
            inputs.pop("init", None)
        elif given:
            inputs["init"] = given.pop(0)
        elif "init" not in inputs:
            raise UserError("no-init-picture")
        return inputs | {f"target{number}": png for number, png in enumerate(given, 1)}

    async def accept(self, data: bytes, person: Person) -> bytes:
        """Validate and re-encode a picture in a process of its own, one at a time per person. Raises UserError."""
        turn = self._accepting_of.setdefault(person.key, asyncio.Lock())
        try:
            async with turn, self._accepting:
                return await accept_picture_apart(data)
        except BadPicture as error:
            raise UserError(f"picture-{error.reason}") from error


async def fetch_picture(fetch: Fetch, seconds: float = FETCHING) -> bytes:
    """Download an attachment, with a timeout. Raises UserError."""
    try:
        async with asyncio.timeout(seconds):
            return await fetch()
    except TimeoutError:
        raise UserError("picture-lost") from None


def without_style(command: Imagine, models: str, text: str) -> str:
    """The words alone: a set that knows things by name reads a style's words as things. Raises UserError.

    A style that the person asked for is refused; one that is only a default here lends its options.
    """
    if (style := command.options.get(options.STYLE)) is not None:
        where = options.mark_value(text, options.STYLE, str(style))
        raise UserError("style-unknown", name=str(style), models=models, where=where)
    return command.prompt


def check_steps(incoming: Incoming, request: Request) -> None:
    """Raises UserError for more steps than the chat allows, whoever asked for them: person, style or parent.

    A quality or a sampler may ask for as many as the models take by themselves.
    """
    most = incoming.person.most_steps
    if most and (request.steps or _more_than_usual(request)) > most:
        raise UserError("most-steps", limit=most)


def _more_than_usual(request: Request) -> float:
    """The steps that a quality and a sampler stand for, 0 where they are no more than the models take by themselves."""
    if request.quality is None and request.sampler is None:
        return 0
    try:
        steps, usual = (workload(each).steps for each in (replace(request, init=None), normal_request(request.models)))
    except BadRequest:  # the set was taken away: the engine says so
        return 0
    return steps if steps > usual else 0


def new_seed() -> int:
    """A random seed."""
    return secrets.randbelow(MAX_SEED + 1)


def _options(request: Request) -> dict[str, Value]:
    """What a remix inherits: everything but prompt and seed."""
    kept = (name for name in options.OPTIONS if name != "seed")
    return {name: value for name in kept if (value := getattr(request, name)) is not None}
