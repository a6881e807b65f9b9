"""bot/worker.py: through the whole bot with a fake chat and the scripted engine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bot.config import EngineConfig
from bot.messages import Stage
from engine import EngineDied, Event, Finished, Progress
from tests.fakes import fakes, scripted


async def test_a_death_of_the_engine_costs_no_pixel(tmp_path: Path) -> None:
    """It goes on from the last checkpoint."""
    chat, engine = fakes.Chat(), fakes.Engine(deaths=2)
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star --seed 7")
        states = await chat.until_stage(Stage.FINAL)
    assert engine.resumed == [None, b"4", b"4"]
    assert states[-1].picture and states[-1].picture.content == scripted.png(7, 10)


async def test_the_duration_of_a_step_is_known_from_two_words_of_progress(tmp_path: Path) -> None:
    """The first step's would be that of loading the models, too; a resumed drawing begins anywhere."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine) as app:
        await chat.says("a star --steps 10")
        await chat.until_stage(Stage.FINAL)
        assert b"imago_step_seconds_count 9.0" in app.metrics.page({})[0]


class Slow(fakes.Engine):
    """Takes each step in two, as an adaptive sampler does where the guidance is strong."""

    async def events(self, *given: Any, **named: Any) -> AsyncGenerator[Event, None]:
        async with aclosing(super().events(*given, **named)) as events:
            async for event in events:
                yield event
                if isinstance(event, Progress):
                    yield event


async def test_an_adaptive_sampler_may_come_no_further_with_a_step(tmp_path: Path) -> None:
    """The step's duration was divided by the steps it came further, none, which failed the job."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat, Slow()) as app:
        await chat.says("a star --steps 10")
        await chat.until_stage(Stage.FINAL)
        assert b"imago_step_seconds_count 9.0" in app.metrics.page({})[0]


async def test_after_three_restarts_the_job_fails_with_a_sentence(tmp_path: Path) -> None:
    """A picture that kills the engine each time must not hold up everybody for ever."""
    chat, engine = fakes.Chat(), fakes.Engine(deaths=4)
    async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=3)):
        await chat.says("a star")
        await chat.says("another star", who="bob")
        states = await chat.until_stage(Stage.FAILED)
        assert "Try again later" in states[-1].text
        await chat.until_stage(Stage.FINAL, job=2)


async def test_a_drawing_that_ends_without_an_ending_fails_its_job(tmp_path: Path) -> None:
    """It said "drawing" for ever."""
    chat, engine = fakes.Chat(), Endless()
    async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=2)):
        await chat.says("a star")
        states = await chat.until_stage(Stage.FAILED)
        assert "Try again later" in states[-1].text
        engine.whole = True
        await chat.says("a moon")
        await chat.until_stage(Stage.FINAL, job=2)
    assert len(engine.asked) == 4


class Endless(fakes.Engine):
    """Closes its stream before the picture is finished."""

    whole = False

    async def events(self, *given: Any, **named: Any) -> AsyncGenerator[Event, None]:
        async with aclosing(super().events(*given, **named)) as events:
            async for event in events:
                if isinstance(event, Finished) and not self.whole:
                    return
                yield event


async def test_a_lost_machine_is_not_the_jobs_fault(tmp_path: Path) -> None:
    """Somebody who pulls a plug three times must not end everybody's pictures; for ever it goes on with none."""
    chat, engine = fakes.Chat(), fakes.Engine(deaths=4, lost=True)
    async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=1)):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
        engine.deaths, engine.refuses_checkpoints = 1000, True
        await chat.says("a star --steps 9")
        await chat.until_stage(Stage.FAILED, job=2)


async def test_without_an_engine_jobs_wait_and_the_bot_says_so(tmp_path: Path) -> None:
    """The head of the cluster is down: a place in the queue and a time would be made up."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.at_once = 0
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star")
        await chat.until(lambda states: "no engine can be reached" in states[-1].text)
        engine.at_once = 1
        engine.on_change()
        await chat.until_stage(Stage.FINAL)
        engine.gate.clear()
        await chat.says("a moon")
        await chat.says("a sun", who="bob")
        await chat.until(lambda states: states[-1].job == 3 and "you are next" in states[-1].text)
        engine.at_once = 0
        engine.on_change()
        await chat.until(lambda states: states[-1].job == 3 and "no engine can be reached" in states[-1].text)
        engine.at_once = 1
        engine.on_change()
        await chat.until(lambda states: states[-1].job == 3 and "you are next" in states[-1].text)
        engine.gate.set()
        await chat.until_stage(Stage.FINAL, job=3)


async def test_what_the_engine_refuses_is_one_sentence_and_the_next_job_goes_on(tmp_path: Path) -> None:
    """No picture pretends to be one."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("fail", language="ru")
        await chat.says("a star", who="bob")
        states = await chat.until_stage(Stage.FAILED)
        assert states[-1].picture is None and "испортилась" in states[-1].text
        await chat.until_stage(Stage.FINAL, job=2)


async def test_cancel_keeps_the_picture_as_far_as_it_came(tmp_path: Path) -> None:
    """Somebody may like it half-done."""
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


async def test_a_queued_job_is_cancelled_without_touching_the_running_one(tmp_path: Path) -> None:
    """Cancel stops exactly my job."""
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


async def test_a_checkpoint_of_other_models_is_dropped_and_the_picture_starts_anew(tmp_path: Path) -> None:
    """An upgrade of the models in mid-picture must not end the job."""
    chat, engine = fakes.Chat(), fakes.Engine(deaths=1)
    engine.refuses_checkpoints = True
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
    assert engine.resumed == [None, b"4", None]


@pytest.mark.parametrize("name", ["1.png", "1.gif"])
async def test_a_disk_that_takes_no_picture_is_one_sentence(tmp_path: Path, name: str) -> None:
    """The person learns that it is not their fault, and nothing half-stored is shown."""
    (tmp_path / "pictures" / f"{name}.part").mkdir(parents=True)
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star")
        states = await chat.until_stage(Stage.FAILED)
        assert "could not be saved" in states[-1].text


async def test_as_many_are_drawn_at_a_time_as_the_engine_takes_and_one_of_each_person(tmp_path: Path) -> None:
    """`running` in [limits] is what one person may have; the others do not wait behind them."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.at_once = 3
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        for who in ("ann", "ann", "bob", "eve", "dan"):
            await chat.says(f"a star of {who}", who=who)
        while len(engine.asked) < 3:
            await asyncio.sleep(0)
        assert sorted(request.prompt for request in engine.asked) == [
            f"a star of {who}" for who in ("ann", "bob", "eve")
        ]
        engine.gate.set()
        for job in range(1, 6):
            await chat.until_stage(Stage.FINAL, job=job)


async def test_one_of_several_is_cancelled_alone(tmp_path: Path) -> None:
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.at_once = 2
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star --steps 1000")
        await chat.says("a moon --steps 1000", who="bob")
        await chat.until(lambda states: states[-1].job == 2 and (states[-1].percent or 0) >= 10)
        await chat.says("/cancel", who="bob")
        await chat.until_stage(Stage.STOPPED, job=2)
        await chat.until_stage(Stage.FINAL, job=1)


async def test_what_the_engine_may_die_of_is_drawn_alone_after_two_deaths(tmp_path: Path) -> None:
    """One picture that kills the engine does not fail those beside it."""
    chat, engine = fakes.Chat(), Poisoned()
    async with fakes.bot(tmp_path, chat, engine, engine_settings=EngineConfig(attempts=3)):
        for who in ("ann", "bob", "eve"):
            await chat.says("poison" if who == "bob" else "a star", who=who)
        await chat.until_stage(Stage.FAILED, job=2)
        await chat.until_stage(Stage.FINAL, job=1)
        await chat.until_stage(Stage.FINAL, job=3)


class Poisoned(fakes.Engine):
    """Dies, with all that it draws, whenever it draws `poison`."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once, self.lives = 3, 1

    async def events(self, request: Any, resume: bytes | None = None, **given: Any) -> AsyncGenerator[Event, None]:
        life = 0
        async with aclosing(super().events(request, resume, **given)) as events:
            async for event in events:
                life = life or self.lives
                if (
                    request.prompt == "poison"
                    and isinstance(event, Progress)
                    and event.step == 3
                    and life == self.lives
                ):
                    self.lives += 1
                if life != self.lives:
                    raise EngineDied("scripted", process=life)
                yield event
