"""bot/worker.py: through the whole bot with a fake chat and the scripted engine."""

import asyncio
from pathlib import Path

import pytest

from bot.config import EngineConfig
from bot.messages import Stage
from tests.fakes import fakes, scripted


def test_a_death_of_the_engine_costs_no_pixel(tmp_path: Path) -> None:
    """It goes on from the last checkpoint."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine(deaths=2)
        async with fakes.bot(tmp_path, chat, engine):
            await chat.says("a star --seed 7")
            states = await chat.until_stage(Stage.FINAL)
        assert engine.resumed == [None, b"4", b"4"]
        assert states[-1].picture and states[-1].picture.content == scripted.png(7, 10)

    asyncio.run(scenario())


def test_the_duration_of_a_step_is_known_from_two_words_of_progress(tmp_path: Path) -> None:
    """The first step's would be that of loading the models, too; a resumed drawing begins anywhere."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine()
        async with fakes.bot(tmp_path, chat, engine) as app:
            await chat.says("a star --steps 10")
            await chat.until_stage(Stage.FINAL)
            assert b"imago_step_seconds_count 9.0" in app.metrics.page({})[0]

    asyncio.run(scenario())


def test_after_three_restarts_the_job_fails_with_a_sentence(tmp_path: Path) -> None:
    """A picture that kills the engine each time must not hold up everybody for ever."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine(deaths=4)
        async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=3)):
            await chat.says("a star")
            await chat.says("another star", who="bob")
            states = await chat.until_stage(Stage.FAILED)
            assert "Try again later" in states[-1].text
            await chat.until_stage(Stage.FINAL, job=2)

    asyncio.run(scenario())


def test_what_the_engine_refuses_is_one_sentence_and_the_next_job_goes_on(tmp_path: Path) -> None:
    """No picture pretends to be one."""

    async def scenario() -> None:
        chat = fakes.Chat()
        async with fakes.bot(tmp_path, chat):
            await chat.says("fail", language="ru")
            await chat.says("a star", who="bob")
            states = await chat.until_stage(Stage.FAILED)
            assert states[-1].picture is None and "испортилась" in states[-1].text
            await chat.until_stage(Stage.FINAL, job=2)

    asyncio.run(scenario())


def test_cancel_keeps_the_picture_as_far_as_it_came(tmp_path: Path) -> None:
    """Somebody may like it half-done."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine()
        async with fakes.bot(tmp_path, chat, engine):
            await chat.says("a star --steps 1000 --seed 7")
            await chat.until(lambda states: (states[-1].percent or 0) >= 10)
            engine.gate.clear()
            await chat.says("/cancel")
            states = await chat.until_stage(Stage.STOPPED)
            assert states[-1].picture and states[-1].picture.name == "1.png"
            await chat.says("another star")
            await chat.until_stage(Stage.FINAL, job=2)

    asyncio.run(scenario())


def test_a_queued_job_is_cancelled_without_touching_the_running_one(tmp_path: Path) -> None:
    """Cancel stops exactly my job."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine()
        engine.gate.clear()
        async with fakes.bot(tmp_path, chat, engine):
            await chat.says("a star")
            await chat.says("a moon", who="bob")
            await chat.until_stage(Stage.WAITING, job=2)
            await chat.says("/cancel", who="bob")
            states = await chat.until_stage(Stage.STOPPED, job=2)
            assert states[-1].picture is None
            engine.gate.set()
            await chat.until_stage(Stage.FINAL, job=1)

    asyncio.run(scenario())


def test_a_checkpoint_of_other_models_is_dropped_and_the_picture_starts_anew(tmp_path: Path) -> None:
    """An upgrade of the models in mid-picture must not end the job."""

    async def scenario() -> None:
        chat, engine = fakes.Chat(), fakes.Engine(deaths=1)
        engine.refuses_checkpoints = True
        async with fakes.bot(tmp_path, chat, engine):
            await chat.says("a star")
            await chat.until_stage(Stage.FINAL)
        assert engine.resumed == [None, b"4", None]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["1.png", "1.gif"])
def test_a_disk_that_takes_no_picture_is_one_sentence(tmp_path: Path, name: str) -> None:
    """The person learns that it is not their fault, and nothing half-stored is shown."""
    (tmp_path / "pictures" / f"{name}.part").mkdir(parents=True)

    async def scenario() -> None:
        chat = fakes.Chat()
        async with fakes.bot(tmp_path, chat):
            await chat.says("a star")
            states = await chat.until_stage(Stage.FAILED)
            assert "could not be saved" in states[-1].text

    asyncio.run(scenario())
