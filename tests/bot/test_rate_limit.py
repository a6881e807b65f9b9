"""bot/moderation/rate_limit.py: how fast one person may ask."""

from pathlib import Path

from bot.config import LimitsConfig
from bot.messages import Action, Person, Press
from bot.moderation.rate_limit import RateLimit, RateVerdict
from tests.fakes import fakes


def test_so_many_at_once_and_then_as_many_as_a_minute_brings() -> None:
    """One answer to all that was too much; and nobody pays for another's haste."""
    now = 0.0
    limit = RateLimit(3, clock=lambda: now)
    assert [limit.take("ann") for _ in range(5)] == [*[RateVerdict.TAKEN] * 3, RateVerdict.REFUSED, RateVerdict.DROPPED]
    assert limit.take("bob") is RateVerdict.TAKEN
    now = 20.0
    assert [limit.take("ann") for _ in range(3)] == [RateVerdict.TAKEN, RateVerdict.REFUSED, RateVerdict.DROPPED]
    now = 200.0
    assert [limit.take("ann") for _ in range(4)] == [*[RateVerdict.TAKEN] * 3, RateVerdict.REFUSED]


def test_zero_is_no_limit() -> None:
    """As the config says."""
    assert all(RateLimit(0).take("ann") is RateVerdict.TAKEN for _ in range(1000))


async def test_who_is_too_fast_is_told_once_and_nothing_is_stored(tmp_path: Path) -> None:
    """Sixty thousand commands of one person were kept, and each took a place among those that are handled."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat, limits=LimitsConfig(per_minute=5)):
        for _ in range(50):
            await chat.says("/help")
        await chat.until(lambda states: "more than 5 messages" in states[-1].text)
        await chat.says("/help", who="bob")
        await chat.until(lambda states: len(chat.notes()) == 7)
        assert sum("more than 5" in text for text in chat.notes()) == 1
        ann = Person(platform="fake", id="ann")
        for number in range(2):  # where the platform shows that something is coming, something comes
            press = Press(
                key=f"x{number}", person=ann, address=chat.address("c"), action=Action.SETTINGS, job=1, awaited=True
            )
            await chat.receive(press)
        await chat.until(lambda states: len(chat.notes()) == 9)
