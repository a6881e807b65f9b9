"""pictures from outside decoded in a process of their own, which is killed when it takes too long.

`python -m engine.process.decoding` is that process: a picture on stdin; `accepted` or a reason, a line feed, and the
clean PNG or a sentence on stdout. A decoder cannot be stopped within a process, and whoever finds a hole in one is
alone there, without descriptors, tokens or much memory.
"""

import asyncio
import os
import resource
import sys
from contextlib import suppress

from engine.errors import BadPicture
from engine.request import MAX_PICTURE_BYTES

SECONDS = 20.0  # of the clock, on a machine that has other things to do
PROCESSOR_SECONDS = 6  # the largest picture that is allowed takes one or two
MEMORY = 2_000_000_000  # bytes of addresses
ACCEPTED = b"accepted"


async def accept_apart(data: bytes, seconds: float = SECONDS) -> bytes:
    """`engine.accept_picture` in a process of its own. Raises BadPicture; its reason is costly at the deadline."""
    from engine.pictures.intake import sniff, too_costly

    if len(data) <= MAX_PICTURE_BYTES:
        sniff(data)  # what is no picture needs no process
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine.process.decoding",
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(data[: MAX_PICTURE_BYTES + 1])
    except TimeoutError:
        raise too_costly() from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    verdict, _, content = said.partition(b"\n")
    if verdict == ACCEPTED and process.returncode == 0:
        return content
    if not verdict:  # killed for its memory or its time
        raise too_costly()
    raise BadPicture(content.decode(), reason=verdict.decode())


def _environment() -> dict[str, str]:
    """What Python needs to find itself, and no secret."""
    kept = {name: value for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG") if (value := os.environ.get(name))}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def main() -> None:
    """Decode what comes on stdin."""
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from engine.pictures.intake import accept

    try:
        verdict, content = ACCEPTED, accept(sys.stdin.buffer.read(MAX_PICTURE_BYTES + 1))
    except BadPicture as error:
        verdict, content = error.reason.encode(), str(error).encode()
    sys.stdout.buffer.write(verdict + b"\n" + content)
    sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
