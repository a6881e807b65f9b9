"""renders a Job as a Reply, in the language of its owner."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.jobs.changes import Change
from bot.jobs.job import Draw, Job, Kind, QueuePosition, Unreadable, Upscale
from bot.language import options, understood
from bot.messages import Action, Button, Carried, File, Reply, Stage, Value
from bot.texts import Texts
from engine import Preview, credit_of

Values = Mapping[str, str | int]
LONGEST_PROMPT = 300  # characters shown; the full prompt is in alt text, settings and the picture's metadata
ALWAYS = (Action.RERUN, Action.REMIX, Action.SETTINGS, Action.DELETE)  # allowed in every state
ON = (Action.UPSCALE, Action.VARY)  # that need a picture
UNREAD = (Action.CANCEL, Action.DELETE)  # that need not know what was asked for
OF_SEVERAL = (Action.PICK, *ON)  # a row of buttons each
OF_ONE = (*ON, Action.SETTINGS, Action.FILE)


class Cards:
    """One method per state of a job."""

    def __init__(self, texts: Texts, usual: Mapping[str, Value] | None = None) -> None:
        """`usual`: the options of the config, which nobody needs to be told of."""
        self._texts, self._usual = texts, usual or {}

    def waiting(self, job: Job, place: QueuePosition, *, reachable: bool = True) -> Reply:
        """Queued: position and expected wait, or that no engine can be reached."""
        number, seconds = place
        if not reachable:
            return self._card(job, Stage.WAITING, "waiting-unreachable", {}, (Action.CANCEL,))
        values: Values = {"place": number, "wait": self._texts.duration(job.language, seconds)}
        return self._card(job, Stage.WAITING, "waiting", values, (Action.CANCEL,))

    def starting(self, job: Job, seconds_left: float | None = None) -> Reply:
        """The engine has started, and takes so long, if that is known."""
        text = "upscaling" if isinstance(job.work, Upscale) else "starting"
        values: Values = {"left": self._texts.duration(job.language, seconds_left)}
        return replace(self._card(job, Stage.DRAWING, text, values, _while_drawn(job)), percent=0)

    def drawing(self, job: Job, preview: Preview, seconds_left: float | None) -> Reply:
        """A preview with its progress."""
        left = self._texts.duration(job.language, seconds_left)
        values: Values = {"step": preview.step, "steps": preview.steps, "percent": preview.percent, "left": left}
        picture = file_of(job, f"{job.id}-{preview.percent}.png", preview.png)
        card = self._card(job, Stage.DRAWING, "drawing", values, _while_drawn(job))
        return replace(card, picture=picture, percent=preview.percent)

    def interrupted(self, job: Job, *, by_the_bot: bool, reachable: bool = True) -> Reply:
        """The engine died or the bot is restarting; the drawing resumes from its checkpoint."""
        text = "paused" if by_the_bot else "again" if reachable else "unreachable"
        return self._card(job, Stage.DRAWING, text, {}, _while_drawn(job))

    def steered(self, job: Job, change: Change) -> Reply:
        """What became of words that its owner said while it was drawn."""
        percent = round(100 * change.step / job.steps) if job.steps else 0
        values: Values = {"job": str(job.id), "words": shorten(change.words), "percent": percent}
        text = self._texts.say(change.language, f"steer-{change.outcome}", **values)
        if change.outcome in ("held", "late"):
            request = job.request
            words = understood.line(self._texts.say, change.language, request.models, request.final_prompt)
            text = f"{text}\n{words}".strip()
        return Reply(text=text, private=True, reader=job.owner, language=change.language)

    def final(self, job: Job, png: bytes | None, gif: bytes | None, inputs: Collection[str] = ()) -> Reply:
        """The finished picture with its controls; `inputs` are the names of its input pictures."""
        if isinstance(job.work, Upscale):
            card = self._card(job, Stage.FINAL, "final-upscaled", _size(job), (Action.VARY, *ALWAYS))
        else:
            time = self._texts.duration(job.language, job.seconds or 0.0)
            values: Values = {"seed": str(job.request.seed), "steps": job.steps or 0, "time": time}
            card = self._card(job, Stage.FINAL, "final", values, ALWAYS if job.pictures > 1 else (*ON, *ALWAYS))
            models, prompt = job.request.models, job.request.final_prompt
            shown, _, settings = card.text.rpartition("\n")
            words = understood.line(self._texts.say, job.language, models, prompt)
            lines = (shown, words, settings, credit_of(models))
            buttons = (*self._choices(job), *self._offers(job), *card.buttons)
            card = replace(card, text="\n".join(line for line in lines if line), buttons=buttons)
        picture, moving = file_of(job, f"{job.id}.png", png), file_of(job, f"{job.id}.gif", gif)
        return replace(card, picture=picture, gif=moving, carries=self._carries(job, inputs))

    def refused(self, job: Job) -> Reply:
        """The picture is finished, and the platform does not accept it: words in its place."""
        return self._card(job, Stage.FINAL, "final-refused", {}, ALWAYS)

    def stopped(self, job: Job, png: bytes | None, inputs: Collection[str] = ()) -> Reply:
        """Cancelled, with the partial picture if there is one."""
        text = "stopped-partial" if png else "stopped"
        actions = (*ON, *ALWAYS) if png and job.pictures == 1 else ALWAYS
        card = self._card(job, Stage.STOPPED, text, {}, actions)
        return replace(card, picture=file_of(job, f"{job.id}.png", png), carries=self._carries(job, inputs))

    def failed(self, job: Job, inputs: Collection[str] = ()) -> Reply:
        """No picture, and why."""
        text = job.failure if self._texts.has(job.failure) else "failed-engine"  # of another version
        return replace(self._card(job, Stage.FAILED, text, {}, ALWAYS), carries=self._carries(job, inputs))

    def picked(self, job: Job, number: int, png: bytes, language: str) -> Reply:
        """One picture of several, with its own controls; in a message of its own."""
        values: Values = {"job": str(job.id), "number": number, "prompt": shorten(job.said)}
        return Reply(
            text=self._texts.say(language, "picked", **values),
            picture=file_of(job, f"{job.id}.{number}.png", png),
            buttons=tuple(self._button(job, action, number, language) for action in OF_ONE),
            language=language,
        )

    def gif(self, job: Job, gif: bytes) -> Reply:
        """The process GIF in a message of its own."""
        shown = file_of(job, f"{job.id}.gif", gif)
        whose = {"job": job.id, "reader": job.owner, "language": job.language, "hidden": job.hidden}
        return Reply(text="", stage=Stage.FINAL, gif=shown, **whose)  # type: ignore[arg-type]

    def _choices(self, job: Job) -> list[Button]:
        if job.pictures == 1:
            return []
        return [
            Button(
                action=action,
                job=job.id,
                picture=number,
                label=self._texts.say(job.language, f"button-{action}-one", number=number),
            )
            for action in OF_SEVERAL
            for number in range(1, job.pictures + 1)
        ]

    def _offers(self, job: Job) -> list[Button]:
        """Buttons for things that can be drawn instead, where nothing was understood."""
        names = understood.suggestions_for(job.request.models, job.request.final_prompt, job.id, job.language)
        return [
            Button(
                action=Action.OFFER,
                job=job.id,
                picture=number,
                label=self._texts.say(job.language, "button-offer", name=name),
            )
            for number, name in enumerate(names, 1)
        ]

    def _carries(self, job: Job, inputs: Collection[str]) -> tuple[Carried, ...]:
        """What a remix inherits beside the words: pictures, and options that are not the usual ones."""
        found = {
            name: self._label(job, name, value) for name, value in options.unusual(job.request, self._usual).items()
        }
        if targets := sum(name.startswith("target") for name in inputs):
            found["target"] = self._texts.say(job.language, "carried-target", count=targets)
        return tuple(Carried(name=name, label=label) for name, label in found.items())

    def _label(self, job: Job, name: str, value: Value) -> str:
        if name == "init":
            parent = str(job.parent) if job.kind is Kind.VARY else "none"
            return self._texts.say(job.language, "carried-init", parent=parent)
        if name == "count":
            return self._texts.say(job.language, "carried-count", count=value)
        return options.format_option(name, value)

    def _button(self, job: Job, action: Action, picture: int | None, language: str) -> Button:
        return Button(action=action, job=job.id, picture=picture, label=self._texts.say(language, f"button-{action}"))

    def _card(self, job: Job, stage: Stage, text: str, values: Values, actions: tuple[Action, ...]) -> Reply:
        shown = {"job": str(job.id), "prompt": shorten(job.said), "parent": str(job.parent or "")}
        if isinstance(job.work, Unreadable):
            actions = tuple(action for action in actions if action in UNREAD)
        buttons = (self._button(job, action, None, job.language) for action in actions)
        sentence = self._texts.say(job.language, text, **shown, **values)
        return Reply(
            text=sentence,
            stage=stage,
            buttons=tuple(buttons),
            job=job.id,
            prompt=options.format_words(job.request),
            reader=job.owner,
            language=job.language,
            hidden=job.hidden,
        )


def _while_drawn(job: Job) -> tuple[Action, ...]:
    return (Action.STEER, Action.CANCEL) if isinstance(job.work, Draw) else (Action.CANCEL,)


def shorten(prompt: str) -> str:
    """Truncate a prompt to leave room for the rest of the sentence."""
    return prompt if len(prompt) <= LONGEST_PROMPT else prompt[: LONGEST_PROMPT - 1].rstrip() + "…"


def _size(job: Job) -> dict[str, str]:
    return {"width": str(job.width), "height": str(job.height)}


def file_of(job: Job, name: str, content: bytes | None) -> File | None:
    """A picture of a job under a name whose ending is its kind; None where there is none."""
    if not content:
        return None
    return File(
        name=name, content=content, media_type=f"image/{name.rpartition('.')[2]}", alt=options.format_words(job.request)
    )
