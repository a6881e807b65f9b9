"""what the messages of a job look like: Job → Reply, in the language of the person who asked."""

from bot.jobs import Job, Kind
from bot.messages import Action, Button, File, Reply, Stage
from bot.queue import Place
from bot.texts import Texts
from engine import Preview

LONGEST_PROMPT = 300  # characters shown; the whole prompt is in alt text, settings and the picture itself
FINAL_ACTIONS = (Action.UPSCALE, Action.RERUN, Action.REMIX, Action.SETTINGS, Action.DELETE)


class Cards:
    """One method a state."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def waiting(self, job: Job, place: Place) -> Reply:
        """In the queue: place and wait."""
        number, seconds = place
        wait = self._texts.duration(job.language, seconds)
        return self._card(job, Stage.WAITING, "waiting", (Action.CANCEL,), place=number, wait=wait)

    def starting(self, job: Job) -> Reply:
        """The engine has it."""
        if job.kind is Kind.UPSCALE:
            return self._card(job, Stage.DRAWING, "upscaling", (Action.CANCEL,), percent=0)
        return self._card(job, Stage.DRAWING, "starting", (Action.CANCEL,), percent=0)

    def drawing(self, job: Job, preview: Preview, seconds_left: float | None) -> Reply:
        """A preview, and how far it is."""
        left = self._texts.duration(job.language, seconds_left)
        values = {"step": preview.step, "steps": preview.steps, "left": left}
        name = f"{job.id}-{preview.percent}.png"
        return self._card(
            job, Stage.DRAWING, "drawing", (Action.CANCEL,), preview.png, percent=preview.percent, name=name, **values
        )

    def interrupted(self, job: Job, *, by_the_bot: bool) -> Reply:
        """The engine died, or the whole bot stops; either way it goes on from the checkpoint."""
        return self._card(job, Stage.DRAWING, "paused" if by_the_bot else "again", (Action.CANCEL,))

    def final(self, job: Job, png: bytes | None, gif: bytes | None) -> Reply:
        """The finished picture with its controls."""
        if job.kind is Kind.UPSCALE:
            size = {"width": str(job.width), "height": str(job.height)}
            actions = tuple(action for action in FINAL_ACTIONS if action is not Action.UPSCALE)
            return self._card(job, Stage.FINAL, "final-upscaled", actions, png, gif, **size)
        time = self._texts.duration(job.language, job.seconds or 0.0)
        values = {"seed": str(job.request.seed), "steps": job.steps or 0, "time": time}
        return self._card(job, Stage.FINAL, "final", FINAL_ACTIONS, png, gif, **values)

    def stopped(self, job: Job, png: bytes | None) -> Reply:
        """Cancelled, with what there was of the picture."""
        return self._card(job, Stage.STOPPED, "stopped-partial" if png else "stopped", _after(png), png)

    def failed(self, job: Job) -> Reply:
        """No picture, and why."""
        return self._card(job, Stage.FAILED, job.failure, _after(None))

    def gif(self, job: Job, gif: bytes) -> Reply:
        """The process GIF in a message of its own."""
        return Reply(text="", stage=Stage.FINAL, gif=_file(job, f"{job.id}.gif", gif), job=job.id)

    def _card(
        self,
        job: Job,
        stage: Stage,
        text: str,
        actions: tuple[Action, ...],
        png: bytes | None = None,
        gif: bytes | None = None,
        *,
        percent: int | None = None,
        name: str = "",
        **values: str | int,
    ) -> Reply:
        shown = {"job": str(job.id), "prompt": shortened(job.request.prompt), "parent": str(job.parent or "")}
        if percent is not None:
            values["percent"] = percent
        buttons = (Button(action=a, job=job.id, label=self._texts.say(job.language, f"button-{a}")) for a in actions)
        return Reply(
            text=self._texts.say(job.language, text, **shown, **values),
            stage=stage,
            picture=_file(job, name or f"{job.id}.png", png) if png else None,
            gif=_file(job, f"{job.id}.gif", gif) if gif else None,
            buttons=tuple(buttons),
            job=job.id,
            percent=percent,
            prompt=job.request.prompt,
        )


def shortened(prompt: str) -> str:
    """A prompt that leaves room for the rest of the sentence."""
    return prompt if len(prompt) <= LONGEST_PROMPT else prompt[: LONGEST_PROMPT - 1].rstrip() + "…"


def _after(png: bytes | None) -> tuple[Action, ...]:
    """The controls of a job that ended without a finished picture."""
    actions = (Action.RERUN, Action.REMIX, Action.SETTINGS, Action.DELETE)
    return (Action.UPSCALE, *actions) if png else actions


def _file(job: Job, name: str, content: bytes) -> File:
    kind = name.rpartition(".")[2]
    return File(name=name, content=content, media_type=f"image/{kind}", alt=job.request.prompt)
