"""tests/bench/bot/telegram_*, in short: a few jobs and one kill each."""

from pathlib import Path

from tests.bench.bot import telegram_flood, telegram_kill


async def test_two_jobs_in_a_group_keep_its_limit_and_end_on_time(tmp_path: Path) -> None:
    """Never over 20 calls a minute, finals within a few calls of being drawn, previews always the newest."""
    figures = await telegram_flood.two_jobs(tmp_path, 1, 30)
    assert figures["jobs"] == figures["finals"] == figures["GIFs"] == 4
    assert figures["most calls in 60 s"] <= 20 and figures["refused"] == figures["doubled"] == figures["stale"] == 0
    assert figures["latest final"] < 4 and figures["previews shown"] >= 4


async def test_a_storm_of_refusals_costs_no_final(tmp_path: Path) -> None:
    """Every second call refused: what is shown late is still the newest, and comes once."""
    figures = await telegram_flood.storm(tmp_path, 6, 3)
    assert figures["jobs"] == figures["finals"] == figures["GIFs"] == 6 and figures["refused"] > 10
    assert figures["doubled"] == figures["stale"] == 0


async def test_a_killed_bot_shows_each_picture_once(tmp_path: Path) -> None:
    """Updates come again until they are confirmed; the final comes by an edit."""
    figures = await telegram_kill.play(tmp_path, 1, 0.3)
    assert figures["finals"] == figures["jobs"]
    assert figures["doubled finals"] == figures["wrong pictures"] == 0
    assert figures["invalid calls"] == figures["exit code"] == 0
