"""bot/app.py: the whole bot with a fake chat and the scripted engine."""

from pathlib import Path

import pytest

from bot.errors import Closed, ConfigError
from bot.messages import Action, Stage
from tests.fakes import fakes


async def test_a_sentence_becomes_one_message_that_ends_as_the_picture_with_its_gif(tmp_path: Path) -> None:
    """The whole way through the bot."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a red star --seed 7")
        states = await chat.until_stage(Stage.FINAL)
        assert states[-1].picture and states[-1].gif and states[-1].picture.alt == "a red star"
        assert [b.action for b in states[-1].buttons] == [
            Action.UPSCALE,
            Action.VARY,
            Action.RERUN,
            Action.REMIX,
            Action.SETTINGS,
            Action.DELETE,
        ]
        assert len(chat.messages) == 1
        shown = [reply.percent for reply in states if reply.picture and reply.stage is Stage.DRAWING]
        assert shown == sorted(shown) and shown


async def test_a_restart_goes_on_from_the_checkpoint_in_the_same_message(tmp_path: Path) -> None:
    """Stopping is a designed path: nothing is lost, nothing is drawn twice."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a red star --seed 7 --steps 100")
        await chat.until(lambda states: (states[-1].percent or 0) >= 20)
    assert chat.closed
    async with fakes.bot(tmp_path, chat, engine):
        states = await chat.until_stage(Stage.FINAL)
    assert engine.resumed[0] is None and int(engine.resumed[-1] or 0) >= 20
    assert states[-1].picture and states[-1].picture.content == fakes.scripted.png(7, 100)
    assert len(chat.messages) == 1


async def test_a_closed_bot_takes_nothing(tmp_path: Path) -> None:
    """An update that is not confirmed comes again after the restart; one that is confirmed and lost does not."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        pass
    with pytest.raises(Closed):
        await chat.says("a red star")


async def test_two_bots_do_not_share_a_folder(tmp_path: Path) -> None:
    """They would draw and send everything twice."""
    async with fakes.bot(tmp_path, fakes.Chat()):
        with pytest.raises(ConfigError, match="another Imago"):
            async with fakes.bot(tmp_path, fakes.Chat()):
                pass
