"""tests/bench/bot, in short: real kills and hostile input, a few of each."""

from pathlib import Path

from tests.bench.bot import cost, grammar, hostile, kill_bot, kill_engine, load, near_misses, pause


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


async def test_the_bot_costs_little_beside_the_drawing(tmp_path: Path) -> None:
    """The figure is a command; here only that it is measured."""
    cpu, drawing = await cost.share(tmp_path, 1, "tests.fakes.scripted:draw")
    assert cpu > 0 and drawing > 0


async def test_a_pause_that_a_chat_asks_for_delays_its_final_by_no_more(tmp_path: Path) -> None:
    """One step of 0.8 s, and a refusal."""
    assert "messages or edits taken" in await pause.run(tmp_path, 0.05, 1)


def test_the_languages_of_options_and_requests_agree() -> None:
    """Round trips, fuzzed texts, four faces, mistyped options."""
    assert grammar.round_trips(20, 1) == 20
    assert grammar.crashes(50, 1) == [] and grammar.unlike(2, 1) == []
    assert near_misses.tried(50, 1)[1] == []
