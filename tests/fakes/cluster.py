"""a Ray cluster of processes on this machine, whose machines can be killed.

`python -m tests.fakes.cluster` is the process that holds it: Ray's own helper wants the main thread and the signals.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from engine import Checkpoint, Event, Preview, Progress, Request
from tests.fakes import scripted

MEMORY = 80_000_000  # bytes of each machine's object store


class Machines:
    """A head that draws nothing, and machines that do."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `machines`."""
        self._process, self._lock = process, asyncio.Lock()
        self.address = ""

    async def start(self, machines: int) -> None:
        """The head, at the address that it had before, and so many machines."""
        self.address = await self._tell(f"start {machines}")

    async def add(self, cpus: int = 1) -> None:
        """One machine joins."""
        await self._tell(f"add {cpus}")

    async def kill(self, number: int = 0) -> None:
        """One machine dies."""
        await self._tell(f"kill {number}")

    async def kill_all(self) -> None:
        """The head dies, and with it the cluster."""
        await self._tell("kill_all")

    async def _tell(self, line: str) -> str:
        async with self._lock:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(f"{line}\n".encode())
            answer = (await self._process.stdout.readline()).decode().split()
        if not answer or answer[0] != "done":
            raise RuntimeError(f"the cluster cannot {line}")
        return answer[-1]


@asynccontextmanager
async def machines(number: int) -> AsyncIterator[Machines]:
    """A cluster of a head and so many machines."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.cluster", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    cluster = Machines(process)
    try:
        await cluster.start(number)
        yield cluster
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


class Held:
    """What the process holds."""

    def __init__(self) -> None:
        self._port = 0
        self._others: list[Any] = []

    def start(self, machines: int) -> str:
        from ray.cluster_utils import Cluster

        given: dict[str, Any] = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False}
        if self._port:
            given["gcs_server_port"] = self._port
        self._cluster = Cluster(initialize_head=True, head_node_args=given)
        self._port = int(self._cluster.address.rpartition(":")[2])
        for _ in range(machines):
            self.add(1)
        return str(self._cluster.address)

    def add(self, cpus: int) -> None:
        self._others.append(self._cluster.add_node(num_cpus=cpus, object_store_memory=cpus * MEMORY, wait=False))

    def kill(self, number: int) -> None:
        self._cluster.remove_node(self._others.pop(number), allow_graceful=False)

    def kill_all(self) -> None:
        if self._cluster.head_node is not None:
            self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        while self._others:
            self.kill(0)


def main() -> None:
    held, answers = Held(), sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        name, *numbers = line.split()
        print("done", getattr(held, name)(*map(int, numbers)) or "", file=answers, flush=True)
    held.kill_all()


class Streaming:
    """An engine in the actor's own process, so that there can be fifty on one machine: 0.2 s a step, pictures as large
    as real ones."""

    widest = at_once = 1
    weight = b"\0" * 100_000  # bytes added to each preview
    state = b"\0" * 800_000  # of a checkpoint

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self, key: object) -> None:
        """Nobody stops it here."""

    async def events(self, request: Request, resume: bytes | None, **_: object) -> AsyncGenerator[Event, None]:
        for event in scripted.draw(request):
            if isinstance(event, Progress):
                await asyncio.sleep(0.2)
            if isinstance(event, Preview):
                event = replace(event, png=event.png + self.weight)
            if isinstance(event, Checkpoint):
                event = replace(event, state=self.state)
            yield event


if __name__ == "__main__":
    main()
