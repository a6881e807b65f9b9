"""bot/log.py"""

import io
import json
import logging
from pathlib import Path

import pytest

from bot.config import Config, DiscordConfig, Secret, TelegramConfig, WebConfig, secrets
from bot.log import Lines, Repeats, event
from bot.messages import Stage
from tests.fakes import fakes

log = logging.getLogger("bot.tests")


class Written:
    """What is logged while it is open, by the formatter that the bot uses."""

    def __init__(self, form: str = "text", *, prompts: bool = False, hidden: tuple[str, ...] = ()) -> None:
        self._handler = logging.StreamHandler(io.StringIO())
        self._handler.setFormatter(Lines(form, prompts=prompts, secrets=hidden))

    def __enter__(self) -> "Written":
        logging.getLogger("bot").addHandler(self._handler)
        logging.getLogger("bot").setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("bot").removeHandler(self._handler)
        logging.getLogger("bot").setLevel(logging.NOTSET)

    @property
    def text(self) -> str:
        return str(self._handler.stream.getvalue())


def test_an_event_is_one_line_of_keys_and_values() -> None:
    """So that it can be searched by job, whatever stands in a value."""
    with Written() as written:
        event(log, "drawn", job=12, seconds=3.1, failure="", who='a "b"\nc')
        log.info("in one\nline")
    first, second = written.text.splitlines()
    assert first.endswith(r'INFO bot.tests: event=drawn job=12 seconds=3.1 failure="" who="a \"b\"\nc"')
    assert second.endswith(r"INFO bot.tests: in one\nline")


def test_or_one_object_of_json() -> None:
    """For programs; a traceback is in it."""
    with Written("json") as written:
        event(log, "drawn", job=12)
        try:
            raise ValueError("what")
        except ValueError:
            log.exception("oh")
    first, second = (json.loads(line) for line in written.text.splitlines())
    assert first["event"] == "drawn" and first["job"] == 12 and first["level"] == "info" and "at" in first
    assert second["message"] == "oh" and "ValueError: what" in second["trace"]


async def draw(folder: Path) -> None:
    """All that can happen to prompts: drawn, remixed, failed, cancelled, upscaled, shown, deleted."""
    chat, engine = fakes.Chat(), fakes.Engine(deaths=1)
    async with fakes.bot(folder, chat, engine):
        await chat.says("a zyzzyva --seed 7")
        await chat.until_stage(Stage.FINAL)
        for text in ("/remix 1 another zyzzyva", "zyzzyva --no", "/show 1", "/settings 1", "/upscale 1", "fail"):
            await chat.says(text)
        await chat.until_stage(Stage.FINAL, job=3)
        await chat.until_stage(Stage.FAILED, job=4)
        engine.gate.clear()
        await chat.says("a third zyzzyva")
        await chat.says("/cancel 5")
        await chat.until_stage(Stage.STOPPED, job=5)
        await chat.says("/delete 1")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_prompt_is_logged_unless_it_is_wanted(tmp_path: Path, form: str) -> None:
    """Logs are kept longer, and read by more people, than anybody who types a prompt thinks."""
    with Written(form) as written:
        await draw(tmp_path / "1")
    assert "zyzzyva" not in written.text
    for told in ("queued", "running", "drawn", "failed", "cancel", "told", "delete_job"):
        assert f"event={told} job=" in written.text or f'"event": "{told}", "job":' in written.text
    with Written(form, prompts=True) as written:
        await draw(tmp_path / "2")
    assert "a zyzzyva" in written.text and "another zyzzyva" in written.text


def test_a_secret_is_masked_wherever_it_stands() -> None:
    """In a message, in a value, in an address, in the traceback of a library."""
    config = Config(
        web=WebConfig(token=Secret("web-secret-web-secret")),
        discord=DiscordConfig(token=Secret("discord.secret")),
        telegram=TelegramConfig(token=Secret("123:tele-secret")),
    )
    hidden = tuple(secrets(config))
    assert len(hidden) == 3
    for form in ("text", "json"):
        with Written(form, hidden=hidden) as written:
            event(log, "asked", url="https://x/bot123:tele-secret/get?token=web-secret-web-secret")
            log.info("%s of %s", config, "discord.secret")
            try:
                raise OSError("https://x/bot123%3Atele-secret/")
            except OSError:
                log.exception("no")
        assert "secret)" in written.text
        for secret in ("web-secret", "discord.secret", "tele-secret"):
            assert secret not in written.text


def test_a_secret_with_quotes_and_backslashes_is_masked_too() -> None:
    """A line in JSON, or a repr, writes it otherwise."""
    secret = "a\"b\\c'd é"
    for form in ("text", "json"):
        with Written(form, hidden=(secret,)) as written:
            log.info("%s %r %s", secret, secret, json.dumps({"token": secret}))
            event(log, "asked", url=secret, again={"token": secret})
        assert "b\\" not in written.text and "c'd" not in written.text and "secret)" in written.text


def test_what_is_said_again_and_again_is_said_a_few_times_a_minute() -> None:
    """A condition wrote 2.3 million lines in 45 seconds."""
    repeats = Repeats(most=2)
    said = []
    for number in range(100):
        record = logging.LogRecord("bot", logging.WARNING, "", 0, "out of files %d", (number,), None)
        record.created = float(number)
        if repeats.filter(record):
            said.append(record.getMessage())
    assert said == ["out of files 0", "out of files 1", "out of files 60 (and 58 times more before)", "out of files 61"]
    happened = logging.LogRecord("bot", logging.INFO, "", 0, "drawn", (), None)
    happened.event = "drawn"
    assert all(repeats.filter(happened) for _ in range(100))
