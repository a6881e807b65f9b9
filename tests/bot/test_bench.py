"""tests/bench/bot, in short: real kills and hostile input, a few of each."""

from pathlib import Path

from tests.bench.bot import hostile, kill_bot, kill_engine, load


async def test_a_killed_engine_costs_no_pixel(tmp_path: Path) -> None:
    """It goes on from its checkpoint, in a new process."""
    pictures, same = await kill_engine.run(tmp_path, 2, "tests.fakes.scripted:draw_slowly", "--steps 30")
    assert same == pictures >= 2


def test_a_killed_bot_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """However often it dies: one final picture and one GIF for each job."""
    figures = kill_bot.play(tmp_path, kills=2, longest=0.5)
    assert figures.pop("jobs") >= 2
    assert set(figures.values()) == {0}, figures


async def test_many_jobs_at_once_are_acknowledged_and_served_in_turn(tmp_path: Path) -> None:
    """Nobody's first picture waits for more than one round of the active people."""
    figures = await load.run(tmp_path, 40, 8, "tests.fakes.scripted:draw", "--steps 4")
    assert figures["people in the first round"] == 8


async def test_hostile_input_breaks_nothing(tmp_path: Path) -> None:
    """People type anything, and so do machines."""
    figures = await hostile.run(tmp_path, 150, 60, seed=1)
    assert figures["faults logged"] == [] and figures["5xx"] == 0
    assert figures["the other person's picture untouched"] is True
