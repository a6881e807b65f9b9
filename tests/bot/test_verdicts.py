"""bot/moderation/verdicts.py, and what the bot does with its verdicts."""

import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import ModerationConfig
from bot.messages import Stage
from bot.moderation.verdicts import PictureCheck, Verdict
from engine import Event, Finished, Request, UpscaleRequest
from tests.bot.test_handlers import answer
from tests.fakes import fakes


class Scoring(fakes.Engine):
    """Scores what it draws by the first word of the prompt; an upscaling scores 0."""

    async def events(
        self, request: Request | UpscaleRequest, resume: bytes | None = None, **given: object
    ) -> AsyncGenerator[Event, None]:
        score = 0.0 if isinstance(request, UpscaleRequest) else float(request.prompt.split()[0])
        async for event in super().events(request, resume, **given):
            yield replace(event, score=score) if isinstance(event, Finished) else event


@pytest.mark.parametrize(
    ("score", "verdict"),
    [(0.29, Verdict.SHOW), (0.3, Verdict.WITHHOLD), (1.0, Verdict.WITHHOLD), (None, Verdict.WITHHOLD)],
)
def test_each_verdict_is_logged_with_its_score(
    score: float | None, verdict: Verdict, caplog: pytest.LogCaptureFixture
) -> None:
    """So that the threshold can be set by what was seen; a picture that was not looked at is not trusted."""
    with caplog.at_level(logging.INFO, "bot.moderation.verdicts"):
        assert PictureCheck(check="x", threshold=0.3, action=Verdict.WITHHOLD).of(12, score) is verdict
    (record,) = caplog.records
    told = "none" if score is None else score
    assert record.values == {"job": 12, "score": told, "threshold": 0.3, "verdict": verdict}  # type: ignore[attr-defined]


def test_without_a_check_everything_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """And nothing is logged about it."""
    with caplog.at_level(logging.INFO, "bot.moderation.verdicts"):
        assert PictureCheck().of(12, None) is Verdict.SHOW is PictureCheck().unfinished
    assert not caplog.records


async def test_a_withheld_picture_is_neither_shown_nor_kept_at_any_stage(tmp_path: Path) -> None:
    """Not as a preview either, nor what a cancelled one had come to; others are shown as ever."""
    moderation = ModerationConfig(check="x", check_threshold=0.3, check_action="withhold")
    chat, engine = fakes.Chat(), Scoring()
    async with fakes.bot(tmp_path, chat, engine, moderation=moderation):
        await chat.says("0.3 stars")
        states = await chat.until_stage(Stage.FAILED)
        assert "is not shown" in states[-1].text and all(state.picture is None for state in states)
        assert any("step" in state.text and state.percent for state in states)
        await chat.says("0.2 stars --seed 7")
        final = (await chat.until_stage(Stage.FINAL, job=2))[-1]
        assert final.picture and final.gif and not final.hidden
        await chat.says("0.2 stars --steps 1000", who="bob")
        await chat.until(lambda states: states[-1].job == 3 and (states[-1].percent or 0) >= 10)
        engine.gate.clear()
        await chat.says("/cancel", who="bob")
        assert (await chat.until_stage(Stage.STOPPED, job=3))[-1].picture is None
        assert "no picture yet" in await answer(chat, "/file 1")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["2.gif", "2.png"]


async def test_a_spoilered_picture_stays_behind_a_click_wherever_it_is_shown(tmp_path: Path) -> None:
    """Its previews, since nobody knows yet; made larger; shown again; after a restart."""
    moderation = ModerationConfig(check="x", check_threshold=0.3, check_action="spoiler")
    chat, engine = fakes.Chat(), Scoring()
    async with fakes.bot(tmp_path, chat, engine, moderation=moderation):
        await chat.says("0.9 stars")
        states = await chat.until_stage(Stage.FINAL)
        assert all(state.hidden for state in states if state.picture)
        await chat.says("0.1 stars", who="bob")
        states = await chat.until_stage(Stage.FINAL, job=2)
        assert not states[-1].hidden and all(s.hidden for s in states if s.picture and s.stage is Stage.DRAWING)
        await chat.says("/upscale 1")
        assert (await chat.until_stage(Stage.FINAL, job=3))[-1].hidden
    async with fakes.bot(tmp_path, chat, engine, moderation=moderation):
        await chat.says("/show 1")
        shown = await chat.until(lambda states: states[-1].stage is Stage.NOTE and states[-1].picture is not None)
        assert shown[-1].hidden
