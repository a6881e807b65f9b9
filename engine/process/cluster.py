"""the engines of a Ray cluster as if they were one; the process that knows Ray is `engine.process.driver`."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from engine.errors import EngineError
from engine.process.parent import BATCH, EngineProcess
from engine.process.wire import EngineState

DRIVER = (sys.executable, "-m", "engine.process.driver")
PASSED = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")  # secrets that the driver has to know


class RayEngines(EngineProcess):
    """One engine for each GPU of a cluster; their number comes and goes."""

    LONGEST_BACKOFF = 10.0
    LOST = True

    def __init__(
        self,
        address: str,
        *,
        cpu_engines: int = 0,
        engine: str = "",
        draw: str = BATCH,
        upscale: str = "engine:upscale",
        beat_seconds: float = 30.0,
        hang_seconds: float = 600.0,
        check: str = "",
        models: str = "",
        at_once: int = 0,
    ) -> None:
        """Nothing is started yet.

        Args:
            address: of the cluster's head, `host:port`, or `auto` for the cluster that this machine is part of.
            cpu_engines: engines on each machine without a GPU.
            engine: `module:name` of what the actors run, for tests; empty for `EngineProcess`
                with the options that follow.
            beat_seconds: silence after which an engine, or the cluster's head, counts as lost.
        """
        super().__init__(beat_seconds=beat_seconds, hang_seconds=hang_seconds, stop_seconds=120.0)
        options = {"draw": draw, "upscale": upscale, "beat_seconds": beat_seconds, "hang_seconds": hang_seconds}
        options |= {"check": check, "models": models, "at_once": at_once}
        settings: dict[str, Any] = {"address": address, "cpu_engines": cpu_engines, "beat_seconds": beat_seconds}
        settings |= {"engine": engine, "options": {}} if engine else {"options": options}
        self._command = (*DRIVER, json.dumps(settings))
        self.at_once = 0
        self._held: dict[object, Hashable] = {}  # the key of each drawing that waits for the first engine
        self._changed = asyncio.Event()
        self._again: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def widest(self) -> int:
        """Pictures of the engine that draws most at a time."""
        return max((engine.at_once for engine in self.engines), default=1)

    async def stop(self, key: Hashable = None) -> None:
        """Let a drawing end at its next step, or before it has begun."""
        self._held = {waiting: its for waiting, its in self._held.items() if its != key}
        self._changed.set()
        await super().stop(key)

    async def close(self) -> None:
        """End the driver; the cluster ends its engines."""
        self._closing = True
        if self._again is not None:
            self._again.cancel()
        await super().close()

    async def _ready(self, key: Hashable) -> bool:
        """Wait for an engine, for as long as it takes."""
        waiting = object()
        self._held[waiting] = key
        try:
            while not self.at_once and waiting in self._held:
                self._changed.clear()
                await self._changed.wait()
            return waiting in self._held and await super()._ready(key)
        finally:
            self._held.pop(waiting, None)

    def _turn(self, alone: bool) -> AbstractAsyncContextManager[None]:
        return nullcontext()  # the driver finds it an engine of its own

    def _note_change(self) -> None:
        self._changed.set()
        super()._note_change()

    def _ended(self) -> None:
        """Start the driver again: it waits for the cluster."""
        self.engines = ()
        if self._closing:
            return
        if self.at_once:
            self.at_once = 0
            self._note_change()
        self._again = asyncio.create_task(self.start())

    def _environment(self) -> dict[str, str]:
        given = {name: os.environ[name] for name in PASSED if name in os.environ}
        # No sooner than we notice it does Ray end a process whose head is gone.
        seconds = str(2 * round(self._beat_seconds) + 10)
        patience = {"RAY_gcs_rpc_server_reconnect_timeout_s": seconds}
        quiet = {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_IGNORE_UNHANDLED_ERRORS": "1"}
        return patience | quiet | super()._environment() | given


@dataclass(frozen=True, kw_only=True)
class ClusterStatus:
    """What there is on a cluster."""

    version: str  # of Ray
    machines: int
    gpus: int
    engines: tuple[EngineState, ...]  # of the bot that runs now, if one does


def ray_installed() -> bool:
    """Whether Ray is there; it is not imported."""
    return find_spec("ray") is not None


def look_at_cluster(address: str, seconds: float = 60.0) -> ClusterStatus:
    """Look for a cluster and the engines on it, by a process of its own. Raises EngineError."""
    host, _, port = address.rpartition(":")
    try:
        if host:
            socket.create_connection((host, int(port)), timeout=5).close()
        found = subprocess.run((*DRIVER, address, "about"), capture_output=True, timeout=seconds, text=True)
    except OSError as error:
        raise EngineError(f"nothing answers at {address} ({error.strerror or error})") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"no Ray cluster answers at {address} within {seconds:.0f} s") from None
    try:
        known = json.loads(found.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        lines = found.stderr.strip().splitlines() or ["Ray says nothing"]
        raise EngineError(f"no Ray cluster at {address} ({lines[-1][:200]})") from None
    engines = tuple(EngineState(**engine) for engine in known.pop("engines"))
    return ClusterStatus(engines=engines, **known)
