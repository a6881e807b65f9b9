"""persistent buttons, the remix form, and the message body of a Reply."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import discord
from discord.http import MultipartParameters, handle_message_parameters

from bot.adapters.files import Fitted
from bot.messages import Action, Button, File, Reply
from engine import MAX_PROMPT, MAX_TARGETS

LONGEST_TEXT, LONGEST_ALT = 2000, 1024  # characters
LONGEST_LABEL, LONGEST_ABOUT, LONGEST_OPTIONS = 45, 100, 400  # characters, in a form
EMOJI = {
    Action.UPSCALE: "⬆️",
    Action.RERUN: "🔁",
    Action.REMIX: "✏️",
    Action.SETTINGS: "👀",
    Action.DELETE: "❌",
    Action.CANCEL: "✖️",
    Action.STEER: "🧭",
    Action.VARY: "✨",
}
# Buttons of earlier versions have no picture number.
_TEMPLATE = re.compile(rf"imago:(?P<action>{'|'.join(Action)}):(?P<job>[0-9]{{1,18}})(?::(?P<picture>[1-4]))?")
ROWS = (Action.PICK, Action.UPSCALE, Action.VARY, Action.OFFER)  # for one of several pictures, a row each
_MODAL = re.compile(r"imago:(?P<form>words|steering):(?P<job>[0-9]{1,18})")


class Control(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_TEMPLATE):
    """A persistent button, recognized by its custom_id, so it survives restarts and upgrades."""

    def __init__(
        self, action: Action, job: int, label: str | None, picture: int | None = None, row: int | None = None
    ) -> None:
        ends = action in (Action.CANCEL, Action.DELETE)
        style = discord.ButtonStyle.danger if ends else discord.ButtonStyle.secondary
        emoji = None if row is not None else EMOJI.get(action)  # in a row the label contains emoji and number
        name = f"imago:{action}:{job}" if picture is None else f"imago:{action}:{job}:{picture}"
        super().__init__(discord.ui.Button(style=style, label=label, emoji=emoji, custom_id=name), row=row)
        self.action, self.job, self.picture = action, job, picture

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        picture = int(match["picture"]) if match["picture"] else None
        return cls(Action(match["action"]), int(match["job"]), getattr(item, "label", None), picture)

    async def callback(self, interaction: discord.Interaction[Any]) -> Any:
        await interaction.client.listener.handle_press(interaction, self.action, self.job, self.picture)


class RemixForm(discord.ui.Modal):
    """The modal that asks for words, options and pictures; recognized by its custom_id, after a restart too."""

    def __init__(self, job: int, prompt: str, say: Callable[..., str]) -> None:
        """`say`: a sentence in the person's language."""
        title = say("discord-remix", job=str(job))
        super().__init__(title=title[:LONGEST_LABEL], custom_id=f"imago:words:{job}", timeout=15 * 60)
        words = discord.ui.TextInput[Self](
            style=discord.TextStyle.paragraph,
            default=prompt[:MAX_PROMPT] or None,
            max_length=MAX_PROMPT,
            custom_id="words",
        )
        options = discord.ui.TextInput[Self](
            placeholder="--seed 7 --count 4", required=False, max_length=LONGEST_OPTIONS, custom_id="options"
        )
        pictures = discord.ui.FileUpload[Self](
            required=False, min_values=0, max_values=MAX_TARGETS, custom_id="pictures"
        )
        fields = (
            ("discord-remix-words", words),
            ("discord-remix-options", options),
            ("discord-remix-pictures", pictures),
        )
        for text, field in fields:
            label, about = say(text)[:LONGEST_LABEL], say(f"{text}-about")[:LONGEST_ABOUT]
            self.add_item(discord.ui.Label(text=label, description=about, component=field))


class SteerForm(discord.ui.Modal):
    """The modal that asks for what a drawing in progress should become; recognized like a RemixForm."""

    def __init__(self, job: int, say: Callable[..., str]) -> None:
        """`say`: a sentence in the person's language."""
        title = say("discord-steer-title", job=str(job))
        super().__init__(title=title[:LONGEST_LABEL], custom_id=f"imago:steering:{job}", timeout=15 * 60)
        words = discord.ui.TextInput[Self](max_length=MAX_PROMPT, custom_id="words")
        self.add_item(discord.ui.Label(text=say("discord-steer-words")[:LONGEST_LABEL], component=words))


@dataclass(frozen=True, kw_only=True)
class Remix:
    """What somebody filled into a RemixForm."""

    job: int
    words: str  # with the options behind them
    attached: tuple[discord.Attachment, ...]


def remix_of(interaction: discord.Interaction[Any]) -> Remix | None:
    """The form that was sent; None for any other interaction. A form of an earlier version has words alone."""
    data: Any = interaction.data or {}
    if (job := _form_of(interaction, "words")) is None:
        return None
    fields = _fields(data)
    words = [str(fields[name]["value"] or "") for name in ("words", "options") if name in fields]
    files = data.get("resolved", {}).get("attachments", {})
    state = interaction.client._connection
    attached = (discord.Attachment(data=files[i], state=state) for i in fields.get("pictures", {}).get("values", ()))
    return Remix(job=job, words=" ".join(words).strip(), attached=tuple(attached))


def change_of(interaction: discord.Interaction[Any]) -> tuple[int, str] | None:
    """The job and the words of a SteerForm that was sent; None for any other interaction."""
    job = _form_of(interaction, "steering")
    return None if job is None else (job, str(_fields(interaction.data)["words"]["value"]))


def _form_of(interaction: discord.Interaction[Any], form: str) -> int | None:
    """The job of a form of this kind that was sent."""
    data: Any = interaction.data or {}
    match = _MODAL.fullmatch(data.get("custom_id", ""))
    sent = interaction.type is discord.InteractionType.modal_submit and match is not None and match["form"] == form
    return int(match["job"]) if sent and match else None


def _fields(data: Any) -> dict[str, Any]:
    """The fields of a form by their custom_id."""
    rows = (row.get("component") or row["components"][0] for row in data["components"])
    return {field["custom_id"]: field for field in rows}


def job_of(components: Any, *, whole: bool = False) -> int | None:
    """The job that a message's buttons belong to.

    Args:
        whole: ignore messages whose buttons all belong to one of several pictures.
    """
    for part in components:
        match = _TEMPLATE.fullmatch(part.get("custom_id") or "")
        if match and not (whole and match["picture"]):
            return int(match["job"])
        if (job := job_of(part.get("components", ()), whole=whole)) is not None:
            return job
    return None


def body(
    reply: Reply,
    fitted: Fitted,
    *,
    spoiler: bool = False,
    nonce: str | None = None,
    answers: str = "",
    mentions: str = "",
    ephemeral: bool = False,
    raw: bool = False,
) -> MultipartParameters:
    """The message parameters for Discord.

    Args:
        answers: id of the message that this replies to.
        mentions: id of the one person to ping.
        raw: the text contains our own markup; other text is escaped.
    """
    view = discord.ui.View(timeout=None)
    several = any(button.action is Action.PICK for button in reply.buttons)
    for button in reply.buttons:
        view.add_item(_control(button, several))
    text = reply.text if raw else discord.utils.escape_markdown(reply.text)
    people = [discord.Object(int(mentions))] if mentions else False
    more: dict[str, Any] = {}
    if answers:
        more["message_reference"] = {"message_id": answers, "fail_if_not_exists": False}
    # A prompt may have addresses in it: nobody asked to be shown what is there.
    more["flags"] = discord.MessageFlags(suppress_embeds=True, ephemeral=ephemeral)
    return handle_message_parameters(
        content=text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…",
        attachments=[_to_discord_file(file, spoiler) for file in (fitted.picture, fitted.gif) if file],
        view=view if reply.buttons else None,
        nonce=nonce,
        allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=people, replied_user=False),
        **more,
    )


def _control(button: Button, several: bool) -> Control:
    row = ROWS.index(button.action) if several and button.picture is not None else len(ROWS) if several else None
    return Control(button.action, button.job, button.label[:80], button.picture, row)


def _to_discord_file(file: File, spoiler: bool) -> discord.File:
    alt = file.alt if len(file.alt) <= LONGEST_ALT else file.alt[: LONGEST_ALT - 1] + "…"
    return discord.File(io.BytesIO(file.content), filename=file.name, description=alt or None, spoiler=spoiler)
