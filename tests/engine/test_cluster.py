"""engine/process/cluster.py, driver.py and actor.py: the Ray engines, once on a real cluster of processes."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from engine import Checkpoint, EngineDied, Event, Failed, Finished, RayEngines, Request, look_at_cluster
from engine.process.actor import Actor
from engine.process.child import Pipes
from engine.process.driver import Drawing, Driver, Engine, Settings, engines_of
from engine.process.wire import Died
from tests.fakes import scripted

SCRIPTED = {"draw": "tests.fakes.scripted:draw_slowly", "upscale": "tests.fakes.scripted:upscale"}
IN_PROCESS = "tests.fakes.fakes:Engine"


class Told(Pipes):
    """What a driver says, kept."""

    def __init__(self) -> None:
        with open(os.devnull, "rb") as nothing, open(os.devnull, "wb") as nowhere:
            super().__init__(nothing, nowhere)
        self.said: list[tuple[int, object]] = []

    def answer(self, number: int, message: object) -> None:
        self.said.append((number, message))


class Handle:
    """An actor's handle that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> "Handle":
        self._name = name
        return self

    def remote(self, number: int = 0, *rest: object) -> None:
        self.asked.append((self._name, number))


def driver(*at_once: int) -> tuple[Driver, Told, list[Engine]]:
    told = Told()
    made = Driver(told, Settings(address="auto"), kill=lambda handle: None)
    engines = [Engine(f"e{k}", f"n{k}", Handle(), 100 + k, at_once=n) for k, n in enumerate(at_once)]
    made._engines = {engine.name: engine for engine in engines}
    return made, told, engines


def ask(made: Driver, number: int, *, count: int = 1, alone: bool = False) -> None:
    made._take(("draw", number, Request(prompt="a star", count=count), None, None, None, alone))


def test_a_drawing_goes_where_most_room_is_and_else_it_waits() -> None:
    """Two engines with one drawing each draw sooner than one with two."""
    made, _, (small, large) = driver(1, 4)
    for number in range(1, 7):
        ask(made, number)
    assert sorted(small.drawings) == [1] and sorted(large.drawings) == [2, 3, 4, 5] and list(made._waiting) == [6]
    made._pass_on(small, 1, None)
    made._place()
    assert sorted(small.drawings) == [6]


def test_what_an_engine_may_die_of_gets_one_of_its_own() -> None:
    """It would take others with it; the other engines go on with what they have."""
    made, _, (one, other) = driver(4, 4)
    ask(made, 1)
    ask(made, 2, alone=True)
    ask(made, 3)
    ask(made, 4, alone=True)
    assert sorted(one.drawings) == [1, 3] and sorted(other.drawings) == [2] and list(made._waiting) == [4]


def test_what_a_lost_engine_still_says_is_not_heard() -> None:
    """Its drawings go on elsewhere: a second final would be a second picture."""
    made, told, (one, other) = driver(1, 1)
    ask(made, 1)
    made._lose(one, "its machine is gone")
    assert told.said[-1] == (1, Died(why="its machine is gone", lost=True, process=100))
    heard = len(told.said)
    made._pass_on(one, 1, Failed(kind="NumericalError", sentence=""))
    assert len(told.said) == heard
    ask(made, 2)
    assert sorted(other.drawings) == [2]


def test_words_and_a_stop_reach_the_engine_or_what_waits() -> None:
    """To cancel is to stop, wherever the drawing is. The bot says words again once a drawing has begun."""
    made, told, (one,) = driver(1)
    ask(made, 1)
    ask(made, 2)
    for number in (1, 2):
        made._take(("steer", number, 5, "a moon"))
    for number in (1, 2):
        told.stopped.add(number)
        made._take(None)
    assert (
        one.handle.asked == [("draw", 1), ("steer", 1), ("stop", 1)]
        and told.said[-1] == (2, None)
        and not made._waiting
    )


@pytest.mark.parametrize(
    ("resources", "cpu_engines", "engines"),
    [({"GPU": 2.0, "CPU": 8.0}, 4, 2), ({"CPU": 8.0}, 4, 4), ({"CPU": 8.0}, 0, 0), ({}, 4, 0)],
)
def test_there_is_an_engine_for_each_gpu(resources: dict[str, float], cpu_engines: int, engines: int) -> None:
    """A machine without one draws only where that is wanted, and a head with no CPUs to give away never does."""
    node = {"Resources": resources, "NodeManagerAddress": "10.0.0.5", "NodeID": "abcdefgh"}
    assert [name for name, _ in engines_of(node, cpu_engines)] == [f"10.0.0.5-abcdef-{k}" for k in range(engines)]


async def test_an_actor_tells_again_what_was_not_confirmed() -> None:
    """An answer may get lost on the way; the sequence says what is new."""
    actor = Actor(IN_PROCESS, {}, 60.0)
    await actor.begin()
    await actor.draw(7, Request(prompt="a star", seed=7), None, None, None, False)  # type: ignore[arg-type]
    said: list[object] = []
    after = 0
    while None not in said:
        lost, heard = await actor.hear(after, 1.0), await actor.hear(after, 1.0)
        assert heard.messages[: len(lost.messages)] == lost.messages or len(lost.messages) > len(heard.messages)
        said += [message for sequence, _, message in heard.messages if sequence > after]
        after = heard.messages[-1][0]
    assert said[-2] == list(scripted.draw(Request(prompt="a star", seed=7)))[-1]


async def test_an_actor_says_of_what_its_engine_died() -> None:
    """That is the drawing's own death, and counts."""
    actor = Actor("tests.engine.test_cluster:Dying", {}, 60.0)
    await actor.begin()
    await actor.draw(7, Request(prompt="a star"), None, None, None, False)  # type: ignore[arg-type]
    heard = await actor.hear(0, 1.0)
    assert heard.messages == ((1, 7, Died(why="scripted", lost=False, process=5)),)


class Dying:
    at_once = 1

    async def start(self) -> None:
        """Nothing to start."""

    async def events(self, *_: object, **__: object) -> Iterator[Event]:
        raise EngineDied("scripted", process=5)
        yield


async def test_a_job_waits_while_there_is_no_engine_and_can_be_stopped() -> None:
    """A cluster that is down is nobody's fault: no attempt is counted."""
    engine = RayEngines("auto")
    waiting = asyncio.create_task(anext(engine.events(Request(prompt="a star"), key=1), None))
    await asyncio.sleep(0)
    assert not waiting.done() and engine.pid is None
    await engine.stop(1)
    assert await waiting is None


def test_secrets_stay_out_of_the_driver_but_for_rays_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reaches a Ray port runs code there."""
    monkeypatch.setenv("IMAGO_DISCORD_TOKEN", "secret")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "needed")
    environment = RayEngines("auto")._environment()
    assert "secret" not in environment.values() and environment["RAY_AUTH_TOKEN"] == "needed"


@pytest.mark.cluster
async def test_actors_and_machines_die_and_the_pixels_do_not_care() -> None:
    """On a real cluster: an actor is killed, a machine dies while a checkpoint is on its way, another one joins."""
    pytest.importorskip("ray")
    from tests.fakes.cluster import machines

    async with machines(2) as cluster:
        engine = RayEngines(cluster.address, cpu_engines=1, beat_seconds=5.0, at_once=1, **SCRIPTED)
        try:
            await engine.start()
            killed: list[int] = []

            async def draw(seed: int) -> Event:
                state = None
                while True:
                    try:
                        async for event in engine.events(Request(prompt="a star", seed=seed, steps=30), state):
                            if isinstance(event, Checkpoint):
                                if event.percent == 30 and seed in (0, 3) and seed not in killed:
                                    killed.append(seed)
                                    if seed == 0:
                                        os.kill(engine.engines[0].process, signal.SIGKILL)
                                    else:
                                        await cluster.kill()
                                        await cluster.add()
                                    raise EngineDied("this checkpoint does not arrive", lost=True)
                                state = event.state
                        return event
                    except EngineDied as death:
                        assert death.lost

            drawn = await asyncio.gather(*map(draw, range(6)))
            seen = await asyncio.to_thread(look_at_cluster, cluster.address)
            assert seen.machines >= 3 and {each.name for each in seen.engines} <= {each.name for each in engine.engines}
            assert seen.engines and all(each.at_once == 1 and each.process for each in seen.engines)
            assert killed == [0, 3]
            for seed, last in enumerate(drawn):
                assert isinstance(last, Finished)
                assert last == list(scripted.draw(Request(prompt="a star", seed=seed, steps=30)))[-1]
        finally:
            await engine.close()


def test_drawings_are_counted_in_pictures() -> None:
    """Four small pictures of one request take as much of an engine as four people."""
    assert Drawing(1, (Request(prompt="a star", count=4),), False).pictures == 4
    assert Drawing(1, (Request(prompt="a star", count=4, pick=2),), False).pictures == 1
