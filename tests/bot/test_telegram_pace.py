"""bot/adapters/telegram/pace.py: on a clock of our own."""

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.telegram.pace import Pace, Urgency

GROUP, PRIVATE = -1001, 77
CALLS = st.lists(st.tuples(st.floats(0, 5), st.sampled_from([GROUP, -5, PRIVATE, 78]), st.sampled_from(Urgency)))


@given(CALLS)
def test_no_chat_gets_more_than_telegram_takes(calls: list[tuple[float, int, Urgency]]) -> None:
    """Whoever asks how often for what: one a second in a chat, 20 a minute in a group."""
    now, taken = 0.0, []
    pace = Pace(lambda: now)
    for pause, chat, urgency in calls * 10:
        now += pause
        if not pace.take(chat, urgency):
            taken.append((now, chat))
    for chat in {chat for _, chat in taken}:
        times = [at for at, where in taken if where == chat]
        assert all(b - a >= 0.999 for a, b in zip(times, times[1:], strict=False))
        if chat < 0:
            assert all(b - a > 60 for a, b in zip(times, times[20:], strict=False))


def test_who_waits_as_long_as_was_said_may_go() -> None:
    """Else the line of a chat would ask for ever."""
    now = 0.0
    pace = Pace(lambda: now)
    for _ in range(200):
        wait = pace.take(GROUP, Urgency.PREVIEW)
        now += wait
        if wait:
            assert pace.take(GROUP, Urgency.PREVIEW) == 0


def test_a_final_never_waits_for_previews_and_answers() -> None:
    """However full they have made the minute, a second later it goes; and a GIF after it, and another pair."""
    now = 0.0
    pace = Pace(lambda: now)
    while now < 300:  # as many as go
        pace.take(GROUP, Urgency.PREVIEW)
        pace.take(GROUP, Urgency.STATUS)
        now += 0.5
    for _ in range(4):
        now += 1
        assert pace.take(GROUP, Urgency.FINAL) == 0


def test_previews_are_spread_over_the_minute() -> None:
    """Twelve at once and then nothing for fifty seconds is no drawing to watch."""
    now, went = 0.0, []
    pace = Pace(lambda: now)
    while now < 120:
        if not pace.take(GROUP, Urgency.PREVIEW):
            went.append(now)
        now += 0.1
    assert all(5 < b - a < 5.3 for a, b in zip(went, went[1:], strict=False)) and len(went) >= 23


def test_over_all_chats_thirty_a_second() -> None:
    """The account has a limit, too."""
    pace = Pace(lambda: 5.0)
    assert [pace.take(chat, Urgency.FINAL) for chat in range(1, 31)] == [0.0] * 30
    assert pace.take(31, Urgency.FINAL) == 1.0


def test_chats_that_were_quiet_for_a_minute_are_forgotten() -> None:
    """A bot that runs for a year meets many chats."""
    now = 0.0
    pace = Pace(lambda: now)
    for chat in range(5000):
        now += 1
        assert pace.take(-chat - 1, Urgency.PREVIEW) == 0
    assert len(pace._calls) <= 1001 and len(pace._previews) <= 1001
