"""`python -m tests.bench.bot.kill_engine`: kill -9 the engine at random instants; the pixels must not care."""

import argparse
import asyncio
import os
import random
import signal
import tempfile
from pathlib import Path

from bot.messages import Stage
from engine import BadPicture, EngineProcess, Finished, draw
from engine.drawing.provenance import request_of
from engine.pictures.images import read_png
from tests.fakes import fakes

PROMPT = "a red star on a blue background --seed 7"


async def picture(chat: fakes.Chat, job: int, options: str) -> bytes:
    """Ask for a picture and wait for it."""
    await chat.says(f"{PROMPT} {options}", who=f"person {job}", key=f"job {job}")
    final = await chat.until(
        lambda states: states[-1].job == job and states[-1].stage in (Stage.FINAL, Stage.FAILED), seconds=1800
    )
    assert final[-1].picture is not None, final[-1].text
    return final[-1].picture.content


def is_drawn_again(png: bytes) -> bool:
    """Whether a picture that was drawn in company is the same when it is drawn in one go, as it says of itself."""
    try:
        request = request_of(read_png(png)[1])
    except BadPicture:  # of the scripted engine, whose pictures are the same in any company
        return False
    *_, again = draw(request)
    return isinstance(again, Finished) and again.png == png


async def kill_soon(engine: EngineProcess, longest: float, kills: list[int]) -> None:
    """Kill the engine once, at a random instant of a drawing that takes `longest` seconds."""
    while engine.pid is None:
        await asyncio.sleep(0.01)
    await asyncio.sleep(random.uniform(0, longest))
    if engine.pid is not None:
        kills.append(engine.pid)
        os.kill(engine.pid, signal.SIGKILL)


async def run(folder: Path, kills: int, drawn_by: str, options: str) -> tuple[int, int]:
    """Draw until that many kills have hit a drawing; how many pictures there were, and how many had the right bytes."""
    chat, engine, hits, same = fakes.Chat(), EngineProcess(draw=drawn_by, backoff_seconds=0.05), [], 0
    loop = asyncio.get_running_loop()
    async with fakes.bot(folder, chat, engine):
        await picture(chat, 1, options)  # loads the models
        began = loop.time()
        undisturbed = await picture(chat, 2, options)
        takes = loop.time() - began
        job = 2
        while len(hits) < kills:
            job += 1
            killer = asyncio.create_task(kill_soon(engine, takes, hits))
            same += await picture(chat, job, options) == undisturbed
            killer.cancel()
    return job - 2, same


async def run_together(folder: Path, rounds: int, together: int, drawn_by: str, options: str) -> tuple[int, int]:
    """Kill once in each round of so many drawings at a time; how many pictures, and how many as in one go."""
    engine, same, kills = EngineProcess(draw=drawn_by, backoff_seconds=0.05, at_once=together), 0, []
    chat, loop = fakes.Chat(), asyncio.get_running_loop()
    async with fakes.bot(folder, chat, engine):
        await picture(chat, 1, options)  # loads the models
        began = loop.time()
        undisturbed = await picture(chat, 2, options)
        takes = (loop.time() - began) * together
        for number in range(rounds):
            jobs = range(3 + number * together, 3 + (number + 1) * together)
            killer = asyncio.create_task(kill_soon(engine, takes, kills))
            drawn = await asyncio.gather(*(picture(chat, job, options) for job in jobs))
            killer.cancel()
            for content in drawn:
                same += content == undisturbed or await asyncio.to_thread(is_drawn_again, content)
    print(f"{len(kills)} kills in {rounds} rounds, {together} drawings in flight")
    return rounds * together, same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--draw", default="engine:draw", help="module:function")
    parser.add_argument(
        "--together",
        type=int,
        default=1,
        help="drawings at a time; a kill in each of KILLS rounds; DRAW may be a class",
    )
    parser.add_argument("--options", default="--steps 30", help="of the drawing")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.together > 1:
            work = run_together(Path(folder), args.kills, args.together, args.draw, args.options)
        else:
            work = run(Path(folder), args.kills, args.draw, args.options)
        pictures, same = asyncio.run(work)
    print(f"kill -9 of the engine ({args.draw}), {args.kills} times: {same} of {pictures} pictures with the same bytes")


if __name__ == "__main__":
    main()
