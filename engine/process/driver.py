"""the process that drives a Ray cluster for the bot: an actor for each GPU, and drawings passed on to them.

`python -m engine.process.driver SETTINGS` speaks with the bot as `engine.process.child` does (see `wire`) and passes
its requests on to the actors. Ray stays out of the bot's process: it ends a process whose cluster is gone. SETTINGS is
the JSON of `Settings`. `python -m engine.process.driver ADDRESS about` prints what there is, as JSON.
"""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.process.actor import ENGINE, Actor
from engine.process.child import Pipes, take_pipes
from engine.process.wire import BEAT_SECONDS, Alive, Died, EngineState
from engine.request import Request
from engine.retry import backoff

log = logging.getLogger(__name__)
NAMESPACE = "imago"
LOOK_SECONDS = 2.0  # between two looks at which machines there are
ANSWER_SECONDS = 10.0  # that an actor may wait for something to say
LONGEST_BACKOFF = 60.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a cluster is used."""

    address: str  # of its head, or `auto`
    cpu_engines: int = 0  # on each machine without a GPU
    beat_seconds: float = 30.0  # silence after which an engine, or the head, counts as lost
    engine: str = ENGINE  # what an actor runs, made with …
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Drawing:
    """A request that has not ended."""

    number: int
    rest: tuple[Any, ...]  # the request, and whatever else came with it
    alone: bool

    @property
    def pictures(self) -> int:
        request = self.rest[0]
        return request.pictures if isinstance(request, Request) else 1


@dataclass(eq=False)
class Engine:
    """One actor."""

    name: str
    node: str  # Ray's id of its machine
    handle: Any
    process: int
    at_once: int = 1
    drawings: dict[int, Drawing] = field(default_factory=dict)

    @property
    def load(self) -> int:
        return sum(drawing.pictures for drawing in self.drawings.values())

    def takes(self, drawing: Drawing) -> bool:
        """Whether it has room for one more."""
        if drawing.alone or any(other.alone for other in self.drawings.values()):
            return not self.drawings
        return self.load < self.at_once


def kill(handle: Any) -> None:
    """Free an engine's GPU, if it can be reached."""
    import ray

    with suppress(Exception):
        ray.kill(handle, no_restart=True)


class Driver:
    """Gives each drawing to the engine that has most room, and tells the bot what the engines say."""

    def __init__(self, pipes: Pipes, settings: Settings, kill: Callable[[Any], None] = kill) -> None:
        self._pipes, self._settings, self._kill = pipes, settings, kill
        self._engines: dict[str, Engine] = {}
        self._joining: dict[str, asyncio.Task[None]] = {}
        self._listening: set[asyncio.Task[None]] = set()
        self._failures: dict[str, tuple[int, float]] = {}  # of an engine in a row, and when it may be tried again
        self._waiting: dict[int, Drawing] = {}  # in the order in which they came
        self._where: dict[int, Engine] = {}
        self._told: Alive | None = None

    async def run(self) -> None:
        """Until the pipe closes or the cluster is gone; whoever started us starts us again."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        works = [asyncio.create_task(self._beat()), asyncio.create_task(self._look())]
        done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        for work in done:
            work.result()

    async def _beat(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(BEAT_SECONDS)

    def _tell(self) -> None:
        """How many pictures the engines draw at a time; a beat while there is something to draw."""
        engines = tuple(
            EngineState(name=each.name, at_once=each.at_once, drawing=each.load, process=each.process)
            for each in self._engines.values()
        )
        numbers = (*self._waiting, *self._where)  # an engine's silence is watched here
        alive = Alive(at_once=sum(each.at_once for each in engines), waiting=numbers, engines=engines)
        if numbers or alive != self._told:
            self._pipes.answer(0, alive)
        self._told = alive

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            loop.call_soon_threadsafe(self._take, self._pipes.queue.get())

    def _take(self, message: tuple[Any, ...] | None) -> None:
        if message is not None:
            kind, number, *rest = message
            if kind == "steer" and number in self._where:
                self._where[number].handle.steer.remote(number, *rest)
            elif kind == "draw":
                self._waiting[number] = Drawing(number, tuple(rest[:-1]), rest[-1])
                self._place()
        for number in list(self._pipes.stopped):
            self._pipes.stopped.discard(number)
            if self._waiting.pop(number, None):
                self._pipes.answer(number, None)
            elif engine := self._where.get(number):
                engine.handle.stop.remote(number)

    def _place(self) -> None:
        """Give engines what waits for one."""
        for number, drawing in list(self._waiting.items()):
            able = [engine for engine in self._engines.values() if engine.takes(drawing)]
            if able:
                engine = min(able, key=lambda each: each.load / each.at_once)
                del self._waiting[number]
                engine.drawings[number] = drawing
                self._where[number] = engine
                engine.handle.draw.remote(number, *drawing.rest, drawing.alone)

    async def _look(self) -> None:
        """Let an engine join for each GPU that there is."""
        import ray

        await self._connect()
        log.info("at the Ray cluster of %s", self._settings.address)
        while True:
            async with asyncio.timeout(self._settings.beat_seconds):
                nodes = await asyncio.to_thread(ray.nodes)
            alive = {node["NodeID"]: node for node in nodes if node["Alive"]}
            for engine in list(self._engines.values()):
                if engine.node not in alive:
                    self._lose(engine, "its machine is gone")
            for node in alive.values():
                for name, resources in engines_of(node, self._settings.cpu_engines):
                    if name not in self._engines and name not in self._joining and self._may_try(name):
                        self._joining[name] = asyncio.create_task(self._join(name, node["NodeID"], resources))
            await asyncio.sleep(LOOK_SECONDS)

    async def _connect(self) -> None:
        failures = 0
        while True:
            try:
                return await asyncio.to_thread(connect, self._settings.address)
            except Exception as error:  # Ray's, of many kinds
                failures += 1
                log.warning("there is no Ray cluster at %s: %s", self._settings.address, line_of(error))
                await asyncio.sleep(backoff(failures, longest=LONGEST_BACKOFF / 4))

    def _may_try(self, name: str) -> bool:
        return name not in self._failures or time.monotonic() > self._failures[name][1]

    def _note_failure(self, name: str) -> None:
        failures = self._failures.get(name, (0, 0.0))[0] + 1
        self._failures[name] = failures, time.monotonic() + backoff(failures, longest=LONGEST_BACKOFF)

    async def _join(self, name: str, node: str, resources: dict[str, float]) -> None:
        try:
            handle = await asyncio.to_thread(self._make, name, node, resources)
            process = await handle.begin.remote()
        except Exception as error:  # Ray's, or what keeps an engine from starting on that machine
            log.warning("engine %s cannot start: %s", name, line_of(error))
            self._note_failure(name)
            return
        finally:
            del self._joining[name]
        engine = self._engines[name] = Engine(name, node, handle, process)
        log.info("engine %s has joined", name)
        listening = asyncio.create_task(self._listen(engine))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        self._place()
        self._tell()

    def _make(self, name: str, node: str, resources: dict[str, float]) -> Any:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor: Any = ray.remote(Actor)
        return actor.options(
            name=name,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
            max_restarts=0,  # Ray would draw again from the first step
            **resources,
        ).remote(self._settings.engine, self._settings.options, 2 * self._settings.beat_seconds + ANSWER_SECONDS)

    async def _listen(self, engine: Engine) -> None:
        """Pass on what an engine says, each message once, until it is lost."""
        after, patience = 0, self._settings.beat_seconds
        while engine.name in self._engines:
            try:
                async with asyncio.timeout(patience):
                    heard = await engine.handle.hear.remote(after, min(ANSWER_SECONDS, patience / 3))
            except TimeoutError:
                return self._lose(engine, f"no sign of life for {patience:g} s")
            except Exception as error:  # Ray's
                return self._lose(engine, type(error).__name__)
            if self._engines.get(engine.name) is not engine:
                return  # it was given up meanwhile, and what it had is drawn elsewhere
            for sequence, number, message in heard.messages:
                if sequence > after:
                    after = sequence
                    self._pass_on(engine, number, message)
            if heard.messages:
                self._failures.pop(engine.name, None)
            if heard.at_once != engine.at_once:
                engine.at_once = heard.at_once
                self._tell()
            self._place()

    def _pass_on(self, engine: Engine, number: int, message: object) -> None:
        if number in engine.drawings:
            if message is None or isinstance(message, Died):
                del engine.drawings[number], self._where[number]
            self._pipes.answer(number, message)

    def _lose(self, engine: Engine, why: str) -> None:
        """Give an engine up: what it draws goes on elsewhere, and what it still says is not heard."""
        if self._engines.get(engine.name) is not engine:
            return
        log.warning("engine %s is lost with %d drawings: %s", engine.name, len(engine.drawings), why)
        del self._engines[engine.name]
        self._note_failure(engine.name)
        self._tell()
        for number in engine.drawings:
            del self._where[number]
            self._pipes.answer(number, Died(why=why, lost=True, process=engine.process))
        engine.drawings.clear()
        threading.Thread(target=self._kill, args=(engine.handle,), daemon=True).start()


def line_of(error: Exception) -> str:
    """What Ray says in many lines."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def connect(address: str) -> None:
    """Join the cluster. Raises whatever Ray raises."""
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)


def engines_of(node: dict[str, Any], cpu_engines: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and resources of each engine that a machine can have: none where it was started with `--num-cpus=0`."""
    gpus = int(node["Resources"].get("GPU", 0))
    cores = node["Resources"].get("CPU", 0.0)
    for number in range(gpus or (cpu_engines if cores else 0)):
        resources = {"num_gpus": 1.0, "num_cpus": 0.0} if gpus else {"num_cpus": cores // cpu_engines}
        yield f"{node['NodeManagerAddress']}-{node['NodeID'][:6]}-{number}", resources


async def about(address: str) -> dict[str, Any]:
    """What there is: machines, GPUs and engines."""
    import ray

    await asyncio.to_thread(connect, address)
    nodes = [node for node in await asyncio.to_thread(ray.nodes) if node["Alive"]]
    engines: list[dict[str, Any]] = []
    for name in sorted(ray.util.list_named_actors()):
        with suppress(Exception):  # it is on its way out
            async with asyncio.timeout(ANSWER_SECONDS):
                at_once, drawing, process = await ray.get_actor(name).about.remote()
            state = EngineState(name=name, at_once=at_once, drawing=drawing, process=process)
            engines.append(asdict(state))
    gpus = sum(int(node["Resources"].get("GPU", 0)) for node in nodes)
    return {"version": ray.__version__, "machines": len(nodes), "gpus": gpus, "engines": engines}


def main(arguments: list[str]) -> None:
    """Serve until the pipe closes, or look around."""
    if arguments[1:] == ["about"]:
        print(json.dumps(asyncio.run(about(arguments[0]))))
        return
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    pipes = Pipes(*take_pipes())
    pipes.read()
    sys.stdout = sys.stderr = open(os.devnull, "w")  # Ray prints pages about each machine that dies; we say a line
    asyncio.run(serve(pipes, Settings(**json.loads(arguments[0]))))


async def serve(pipes: Pipes, settings: Settings) -> None:
    """Serve until the cluster is gone; then end without waiting for Ray, which would wait for that cluster."""
    try:
        await Driver(pipes, settings).run()
    except TimeoutError:
        log.error("the head of the Ray cluster does not answer for %g s", settings.beat_seconds)
    except Exception:
        log.exception("the Ray cluster cannot be used")
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
