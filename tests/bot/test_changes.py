"""bot/jobs/changes.py: what is said to a drawing in progress, through the whole bot with the scripted engine."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from bot.config import EngineConfig, ModerationConfig
from bot.messages import Action, Stage
from engine import EngineProcess
from tests.fakes import fakes, scripted


async def drawing(chat: fakes.Chat, engine: fakes.Engine, text: str = "a red star --seed 7 --steps 1000") -> None:
    """A drawing that waits in its middle."""
    await chat.says(text)
    await chat.until(lambda states: (states[-1].percent or 0) >= 10)
    engine.gate.clear()


async def told(chat: fakes.Chat, *words: str) -> str:
    """The answer that says all of these."""

    def says(states: list) -> bool:  # type: ignore[type-arg]
        return states[-1].stage is Stage.NOTE and all(word in states[-1].text for word in words)

    return (await chat.until(says))[-1].text


async def test_a_reply_to_the_running_message_steers_and_is_answered_with_the_percent(tmp_path: Path) -> None:
    """The picture then says it too: in its settings, its card, a rerun and a remix."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.says("a dog", replies_to=chat.message_of(1))
        engine.gate.set()
        answer = await told(chat, "% on: “a dog”")
        assert answer.startswith("#1: from ") and "dog ✓" in answer.splitlines()[-1], "what was understood"
        final = (await chat.until_stage(Stage.FINAL))[-1]
        assert final.text.startswith("“a red star → a dog”") and "dog ✓" in final.text
        assert final.prompt.startswith("a red star --then ") and final.prompt.endswith('%:"a dog"')
        await chat.says("/settings 1")
        assert "--then " in await told(chat, "This command draws #1 again", '%:"a dog"')
        await chat.presses(Action.RERUN, 1)
        await chat.until_stage(Stage.FINAL, job=2)
        assert engine.asked[-1].then == engine.then[1][0]
    assert engine.heard == ["a dog"]


async def test_of_several_at_once_the_last_wins_and_each_is_answered(tmp_path: Path) -> None:
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.says("/steer a blue star")
        await chat.says("/steer 1 + a moon", key="twice")
        await chat.says("/steer 1 + a moon", key="twice")
        engine.gate.set()
        await told(chat, "your newer words replace “a blue star”")
        await told(chat, "% on: “+ a moon”")
        await chat.until_stage(Stage.FINAL)
    assert engine.heard == ["a blue star", "+ a moon"], "an update that comes twice counts once"


async def test_what_was_said_outlives_the_engine_and_the_bot(tmp_path: Path) -> None:
    """It is stored before the engine hears it; the engine that goes on hears it, and the answer comes once."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.says("a blue star", replies_to=chat.message_of(1))
        engine.said.clear()  # as if it had died before it came to it
        asyncio.get_running_loop().call_soon(engine.gate.set)  # once the worker waits for the next checkpoint
    assert engine.heard == ["a blue star"]
    engine = fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await told(chat, "% on: “a blue star”")
        await chat.until_stage(Stage.FINAL)
    assert engine.heard == ["a blue star"] and engine.resumed[0] is not None
    assert sum("a blue star”" in note for note in chat.notes()) == 1


async def test_words_for_a_waiting_picture_hold_from_its_beginning(tmp_path: Path) -> None:
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a moon", who="bob")
        await chat.says("a red star")
        await chat.until_stage(Stage.WAITING, job=2)
        await chat.says("/steer 2 a blue star")
        assert "has not started yet" in (await told(chat, "#2"))
        engine.gate.set()
        await told(chat, "#2: from 10 % on: “a blue star”")


async def test_what_comes_too_late_is_told_so(tmp_path: Path) -> None:
    """Also where the engine never came to it."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.says("a blue star", replies_to=chat.message_of(1))
        await chat.says("/cancel 1")
        assert "/remix 1" in await told(chat, "was finished before “a blue star” could show")
        await chat.says("/steer 1 a green star")
        await told(chat, "#1 is not being drawn any more")
        await chat.says("/steer a green star")
        await told(chat, "Nothing of yours")


@pytest.mark.parametrize(
    ("who", "text", "answer"),
    [
        ("bob", "a blue star", "belongs to somebody else"),
        ("ann", "a cursed star", "not allowed here"),
        ("ann", "+ cursed", "not allowed here"),
        ("ann", "a blue star --seed 8", "leave --seed out"),
        ("ann", "a star:1000", "from −100 to 100"),
        ("ann", "+", "Say what it should become"),
        ("ann", "+" + "x" * 1000, "characters long"),
    ],
)
async def test_what_cannot_be_is_told_kindly_and_the_engine_hears_nothing(
    tmp_path: Path, who: str, text: str, answer: str
) -> None:
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine, moderation=ModerationConfig(words=("cursed",))):
        await drawing(chat, engine)
        await chat.says(text, who=who, replies_to=chat.message_of(1))
        await told(chat, answer)
        engine.gate.set()
        await chat.until_stage(Stage.FINAL)
    assert engine.heard == []


async def test_a_mere_reply_is_for_the_bot_only_while_it_draws(tmp_path: Path) -> None:
    """On Discord every reply pings by itself: what people say below a finished picture draws nothing."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a red star")
        await chat.until_stage(Stage.FINAL)
        await chat.says("how nice", replies_to=chat.message_of(1), addressed=False)
        await chat.says("a moon", replies_to=chat.message_of(1))
        await chat.until_stage(Stage.FINAL, job=2)
        assert [request.prompt for request in engine.asked] == ["a red star", "a moon"] and not chat.notes()


async def test_steer_without_words_says_how(tmp_path: Path) -> None:
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.presses(Action.STEER, 1)
        assert "/steer 1 a blue star" in await told(chat, "Reply to the message of #1")


async def test_what_was_said_is_deleted_with_its_picture(tmp_path: Path) -> None:
    """Words are the person's own."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine) as app:
        await drawing(chat, engine)
        await chat.says("a blue star", replies_to=chat.message_of(1))
        engine.gate.set()
        await told(chat, "“a blue star”")
        await chat.until_stage(Stage.FINAL)
        await chat.says("/delete 1")
        await told(chat, "#1 is deleted")
        assert not await app._store.rows("known_change", key="fake:t2")


async def test_a_drawing_that_starts_over_is_asked_for_what_was_said(tmp_path: Path) -> None:
    """Its checkpoint is of other models: what held in it is asked for beforehand."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await drawing(chat, engine)
        await chat.says("a blue star", replies_to=chat.message_of(1))
        engine.gate.set()
        await told(chat, "“a blue star”")
        engine.gate.clear()
        asyncio.get_running_loop().call_soon(engine.gate.set)
    then = engine.then[1][0]
    engine = fakes.Engine()
    engine.refuses_checkpoints = True
    async with fakes.bot(tmp_path, chat, engine):
        await chat.until_stage(Stage.FINAL)
    assert [request.then for request in engine.asked] == [None, then]


@pytest.mark.parametrize("seed", [1])
async def test_changes_outlive_kills_of_a_real_process_and_restarts(tmp_path: Path, seed: int) -> None:
    """Each is answered once, and the picture is the one that the answers tell of; the bench does it a hundred times."""
    rng, chat, said = random.Random(seed), fakes.Chat(), 0
    for life in range(2):
        engine = EngineProcess(draw="tests.fakes.scripted:SteeredBatch", backoff_seconds=0.01)
        async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=20)) as app:
            if life == 0:
                await chat.says("a red star --seed 7 --steps 150")
            for _ in range(3):
                for _ in range(rng.choice((1, 2))):
                    said += 1
                    await chat.says(f"/steer 1 + a moon:0.{said}")
                if engine.pid is not None and rng.random() < 0.5:
                    os.kill(engine.pid, signal.SIGKILL)
                await told(chat, f"“+ a moon:0.{said}”")
            if life == 1:
                final = (await chat.until_stage(Stage.FINAL))[-1]
                then = (await app.job(1)).request.then or ""
    answers = [note for note in chat.notes() if "has not started" not in note]
    assert len(answers) == said and sum(" on: “" in note for note in answers) == then.count("%")
    assert final.picture and final.picture.content == scripted.steered_png(7, then)
