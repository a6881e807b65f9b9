"""engine/process/parent.py and engine/process/child.py: a real child process with the scripted engine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import (
    BadRequest,
    Checkpoint,
    EngineDied,
    EngineProcess,
    Event,
    Failed,
    Finished,
    Inputs,
    Preview,
    Progress,
    Request,
    UpscaleRequest,
)
from engine.drawing.models import choose_device, load_models
from engine.drawing.scoring import score_of
from engine.process.child import _prepare
from engine.process.parent import _environment
from tests.fakes import scripted


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[EngineProcess]:
    engine = EngineProcess(
        **{
            "draw": "tests.fakes.scripted:draw",
            "upscale": "tests.fakes.scripted:upscale",
            "backoff_seconds": 0.01,
            **options,
        }
    )
    try:
        yield engine
    finally:
        await engine.close()


async def drawn(engine: EngineProcess, prompt: str = "a star", **options: Any) -> list[Event]:
    return [event async for event in engine.events(Request(prompt=prompt, seed=7), **options)]


def shown(events: list[Event]) -> list[Event]:
    """All but the progress, which is not told of each quick step."""
    return [event for event in events if not isinstance(event, Progress)]


async def test_streams_events_of_one_picture_after_the_other_from_one_process() -> None:
    """Models stay loaded because the process stays."""
    async with running() as engine:
        first = await drawn(engine)
        pid = engine.pid
        second = await drawn(engine)
        drawing = list(scripted.draw(Request(prompt="a star", seed=7)))
        assert shown(first) == shown(second) == shown(drawing)
        assert all(event in drawing for event in first + second)
        assert engine.pid == pid
        large = [e async for e in engine.events(UpscaleRequest(png=b"x"))]
        assert isinstance(large[-1], Finished) and large[-1].width == 32
        assert isinstance(first[-1], Finished) and first[-1].score is large[-1].score is None, "nobody asked for it"


async def test_models_are_loaded_before_anybody_asks_and_what_is_drawn_is_scored_when_it_is_told_to() -> None:
    """So the first picture need not wait for them. One process shows it all: it takes seconds to import torch."""
    asked, small = Request(prompt="a star", seed=7, models="toybox"), UpscaleRequest(png=b"x", models="toybox")
    async with running(models="toybox", check="a red star") as engine:
        await engine.start()
        assert engine.pid is not None
        first = await drawn(engine, "loaded")
        assert first[-1] == Failed(kind="NumericalError", sentence="toybox")
        ends = [[event async for event in engine.events(request)][-1] for request in (asked, small)]
    for end in ends:
        assert isinstance(end, Finished)
        assert end.score == pytest.approx(score_of(end.png, "toybox", "a red star"), abs=1e-4)


def test_what_is_wrong_with_models_its_own_drawing_says() -> None:
    """The process does not end over them before anybody asks."""
    _prepare("nonsense")
    with pytest.raises(BadRequest, match="nonsense"):
        load_models("nonsense", choose_device())


async def test_an_error_of_the_engine_travels_as_failed_and_the_process_lives_on() -> None:
    """A picture that cannot be drawn is no reason to load the models again."""
    async with running() as engine:
        events = await drawn(engine, "fail")
        assert isinstance(events[-1], Failed) and events[-1].kind == "NumericalError"
        pid = engine.pid
        assert isinstance((await drawn(engine))[-1], Finished)
        assert engine.pid == pid


async def test_killed_in_the_middle_it_goes_on_from_the_checkpoint_with_the_same_picture() -> None:
    """An out-of-memory kill costs a restart, not the picture."""
    async with running(draw="tests.fakes.scripted:draw_slowly") as engine:
        state = None
        with pytest.raises(EngineDied):
            async for event in engine.events(Request(prompt="a star", seed=7)):
                if isinstance(event, Checkpoint):
                    state = event.state
                    if event.percent == 30:
                        os.kill(engine.pid or 0, signal.SIGKILL)
        rest = await drawn(engine, resume=state)
        assert [e.step for e in rest if isinstance(e, Progress)][0] > 3
        assert rest[-1] == list(scripted.draw(Request(prompt="a star", seed=7)))[-1]
        assert engine.restarts == 1


async def test_quick_steps_are_told_together_and_previews_each() -> None:
    """A thousand words of progress a second are read by nobody and keep the bot from its work."""
    async with running() as engine:
        events = [event async for event in engine.events(Request(prompt="a star", steps=1000))]
    told = [event.step for event in events if isinstance(event, Progress)]
    assert told[0] == 1 and told == sorted(set(told)) and len(told) < 1000
    assert [event.percent for event in events if isinstance(event, Preview)] == list(range(10, 101, 10))


@pytest.mark.parametrize(("prompt", "hang_seconds"), [("crash", 600.0), ("hang", 2.0)])
async def test_a_crash_and_a_hang_are_both_a_death(prompt: str, hang_seconds: float) -> None:
    """The bot must not wait for ever."""
    async with running(hang_seconds=hang_seconds) as engine:
        with pytest.raises(EngineDied):
            await drawn(engine, prompt)
        assert engine.pid is None
        assert isinstance((await drawn(engine))[-1], Finished)


async def test_a_process_that_stops_beating_is_killed() -> None:
    """A process stopped by a signal, or swapped out for good, never answers again."""
    async with running(draw="tests.fakes.scripted:draw_slowly", beat_seconds=1.2) as engine:
        with pytest.raises(EngineDied, match="no sign of life"):
            async for event in engine.events(Request(prompt="a star")):
                if isinstance(event, Preview) and event.percent == 20:
                    os.kill(engine.pid or 0, signal.SIGSTOP)


async def test_a_process_may_take_longer_to_load_than_to_beat() -> None:
    """Importing torch on a busy machine keeps the whole process still; it once was killed for that, three times."""
    async with running(draw="tests.fakes.scripted:draw_after_a_long_import", beat_seconds=1.2) as engine:
        assert isinstance((await drawn(engine))[-1], Finished)


async def test_several_are_drawn_at_a_time_and_told_apart() -> None:
    """Each event comes out where its drawing went in, and one that fails or is stopped ends alone."""
    async with running(draw="tests.fakes.scripted:draw_in_turns") as engine:
        told: list[int] = []

        async def draw(seed: int, prompt: str) -> list[Event]:
            found = []
            async for event in engine.events(Request(prompt=prompt, seed=seed, steps=20), key=seed):
                told.append(seed)
                found.append(event)
                if seed == 2 and len(found) == 3:
                    await engine.stop(2)
            return found

        outcomes = await asyncio.gather(*(draw(seed, "fail" if seed == 1 else "a star") for seed in range(8)))
        assert len(set(told[:16])) == 8, "they take turns"
        assert isinstance(outcomes[1][-1], Failed) and not isinstance(outcomes[2][-1], Finished | Failed)
        for seed in (0, *range(3, 8)):
            drawing = list(scripted.draw(Request(prompt="a star", seed=seed, steps=20)))
            assert shown(outcomes[seed]) == [*shown(drawing)[:-1], outcomes[seed][-1]]
            assert outcomes[seed][-1] == drawing[-1]
        assert engine.restarts == 0


async def test_a_death_is_the_death_of_all_and_all_go_on() -> None:
    """From their own checkpoints, in one new process."""
    async with running(draw="tests.fakes.scripted:draw_in_turns") as engine:

        async def draw(seed: int) -> tuple[Event, int]:
            state, deaths = None, 0
            while True:
                try:
                    async for event in engine.events(Request(prompt="a star", seed=seed, steps=20), state):
                        if isinstance(event, Checkpoint):
                            state = event.state
                            if (seed, event.percent, deaths) == (3, 30, 0):
                                os.kill(engine.pid or 0, signal.SIGKILL)
                    return event, deaths
                except EngineDied:
                    deaths += 1

        for seed, (last, deaths) in enumerate(await asyncio.gather(*map(draw, range(8)))):
            assert last == list(scripted.draw(Request(prompt="a star", seed=seed, steps=20)))[-1] and deaths == 1
        assert engine.restarts == 1


async def test_stop_ends_the_stream_without_a_picture_and_keeps_the_process() -> None:
    """To cancel is to stop; loaded models are kept."""
    async with running(draw="tests.fakes.scripted:draw_slowly") as engine:
        seen: list[Event] = []
        async for event in engine.events(Request(prompt="a star", steps=1000)):
            seen.append(event)
            if len(seen) == 3:
                await engine.stop()
        assert not isinstance(seen[-1], Finished) and len(seen) < 100
        pid = engine.pid
        assert isinstance((await drawn(engine))[-1], Finished)
        assert engine.pid == pid


async def test_a_drawing_that_does_not_stop_is_killed() -> None:
    """A cancel must not wait for a step that never ends. The checkpoint is the last word before that step: a stop that
    came right after it could still end the drawing in order."""
    stops: list[asyncio.Task[None]] = []
    async with running(stop_seconds=0.1) as engine:
        async for event in engine.events(Request(prompt="hang")):
            if isinstance(event, Checkpoint) and event.percent == 40:
                asyncio.get_running_loop().call_later(0.3, lambda: stops.append(asyncio.create_task(engine.stop())))
        assert engine.pid is None and stops


async def test_a_drawing_that_does_not_stop_takes_no_other_with_it() -> None:
    """A step of a large network takes longer than a stop is waited for: each cancel killed the engine of everybody."""

    async def events(engine: EngineProcess, steps: int, stop: bool) -> tuple[Event, int | None]:
        async for event in engine.events(Request(prompt="a star", steps=steps), key=steps):
            if stop and isinstance(event, Progress):
                await engine.stop(steps)
        return event, engine.pid

    async with running(stop_seconds=0.01, draw="tests.fakes.scripted:draw_at_100_ms") as engine:
        (stopped, pid), (other, later) = await asyncio.gather(events(engine, 9, True), events(engine, 4, False))
        assert isinstance(other, Finished) and not isinstance(stopped, Finished) and later == pid is not None


async def test_leaving_the_stream_early_ends_that_drawing_alone() -> None:
    """A shutdown does not wait for the picture: its last checkpoint is stored. Others may still be drawn."""
    async with running(draw="tests.fakes.scripted:draw_slowly") as engine:
        events = engine.events(Request(prompt="a star", steps=1000))
        await anext(events)
        pid = engine.pid
        beside = asyncio.create_task(drawn(engine))
        await events.aclose()
        assert isinstance((await beside)[-1], Finished) and engine.pid == pid


async def test_leaving_the_stream_at_its_last_event_keeps_the_process() -> None:
    """It once killed the process after each picture, so that every drawing loaded the models anew."""
    async with running() as engine:
        events = engine.events(Request(prompt="a star"))
        async for event in events:
            if isinstance(event, Finished):
                break
        await events.aclose()
        pid = engine.pid
        assert pid is not None
        assert isinstance((await drawn(engine))[-1], Finished) and engine.pid == pid


def test_the_process_dies_with_its_parent() -> None:
    """A bot killed with -9 leaves no engine behind that holds the device."""
    script = (
        "import asyncio\n"
        "from engine import EngineProcess, Request\n"
        "async def main():\n"
        "    engine = EngineProcess(draw='tests.fakes.scripted:draw_slowly')\n"
        "    async for event in engine.events(Request(prompt='a star', steps=1000)):\n"
        "        print(engine.pid, flush=True)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        assert _ends(child, seconds=5)


async def test_what_a_library_prints_does_not_get_among_the_messages() -> None:
    """Some libraries greet on stdout, which is our pipe."""
    async with running(draw="tests.fakes.scripted:draw_and_print") as engine:
        assert isinstance((await drawn(engine))[-1], Finished)


async def test_pictures_and_parent_travel_with_the_request() -> None:
    """What a drawing begins from is no part of its Request, and must not be lost on the way."""
    given = Inputs(init=b"\x89PNG", targets=((b"GIF", -0.5),))
    async with running(draw="tests.fakes.scripted:draw_what_came") as engine:
        events = [e async for e in engine.events(Request(prompt="a star"), inputs=given, parent="7")]
        assert isinstance(events[-1], Failed)
        assert events[-1].sentence == f"{given} 7 None"


def _ends(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        os.sched_yield()
    return False


def test_no_secret_is_in_the_engines_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds a hole in a model's code finds no token there."""
    for name in ("IMAGO_TELEGRAM_TOKEN", "IMAGO_WEB_TOKEN", "HTTPS_PROXY", "PIP_INDEX_URL", "DB_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("IMAGO_MODELS", "somewhere")
    assert "secret" not in _environment().values() and _environment()["IMAGO_MODELS"] == "somewhere"


async def test_a_process_of_the_engines_own_does_not_hold_its_pipe() -> None:
    """It was waited for, for as long as the grandchild lived, before the death was seen."""
    async with running(hang_seconds=60.0) as engine:
        began = time.monotonic()
        with pytest.raises(EngineDied, match="the process ended"):
            await drawn(engine, "grandchild")
        assert time.monotonic() - began < 30


async def test_time_in_which_we_were_frozen_ourselves_is_no_silence() -> None:
    """`docker pause` stops bot and engine together; what the engine had said before is read before it is judged."""
    async with running(draw="tests.fakes.scripted:draw_slowly", beat_seconds=0.8) as engine:
        async for event in engine.events(Request(prompt="a star", steps=60)):
            if isinstance(event, Checkpoint) and event.percent == 10:
                time.sleep(1.5)
        assert isinstance(event, Finished)
