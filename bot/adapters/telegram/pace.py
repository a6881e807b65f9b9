"""rate limit and preview pacing for Telegram: a throttle that says how long to wait before a call is made."""

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

WINDOW = 61.0  # seconds; the server counts per minute, and calls may arrive closer together than sent
MANY_CHATS = 1000  # chats kept in memory before idle ones are dropped


class Urgency(IntEnum):
    """Priority of a call when a group's minute fills up."""

    PREVIEW = 0  # the first to be dropped
    STATUS = 1  # queue positions, answers
    FINAL = 2  # a job's first message and its end


# Calls a minute in a group (the server allows about 20), with a reserve for answers and one for finals.
GROUP = {Urgency.PREVIEW: 12, Urgency.STATUS: 16, Urgency.FINAL: 20}


class Pace:
    """Rate limiter: one call a second per chat, 20 a minute per group, 30 a second overall."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, spacing: float = 1.0, overall: int = 30) -> None:
        """`spacing`: seconds between calls in one chat; 0 switches the limiter off (tests)."""
        self._clock, self._spacing, self._overall = clock, spacing, overall
        self._calls: dict[int, deque[float]] = {}  # by chat, those of the last minute
        self._previews: dict[int, float] = {}  # by chat, when the last one went
        self._all: deque[float] = deque(maxlen=overall)

    def take(self, chat: int, urgency: Urgency) -> float:
        """Seconds to wait; 0 when the call may be made now, which also counts it."""
        if not self._spacing:
            return 0.0
        now = self._clock()
        wait = max(self._wait_in_chat(chat, urgency, now), self._wait_overall(now))
        if wait <= 0:
            self._calls.setdefault(chat, deque()).append(now)
            self._all.append(now)
            if urgency is Urgency.PREVIEW:
                self._previews[chat] = now
            return 0.0
        return wait

    def _wait_in_chat(self, chat: int, urgency: Urgency, now: float) -> float:
        calls = self._recent(chat, now)
        wait = calls[-1] + self._spacing - now if calls else 0.0
        if chat > 0:  # a private chat
            return wait
        if len(calls) >= (limit := GROUP[urgency]):
            wait = max(wait, calls[-limit] + WINDOW - now)
        if urgency is Urgency.PREVIEW and chat in self._previews:  # spread over the minute, not all at its start
            wait = max(wait, self._previews[chat] + WINDOW / GROUP[Urgency.PREVIEW] - now)
        return wait

    def _wait_overall(self, now: float) -> float:
        return self._all[0] + 1.0 - now if len(self._all) == self._overall else 0.0

    def _recent(self, chat: int, now: float) -> deque[float]:
        if len(self._calls) > MANY_CHATS:
            self._calls = {key: calls for key, calls in self._calls.items() if calls[-1] > now - WINDOW}
            self._previews = {key: at for key, at in self._previews.items() if key in self._calls}
        calls = self._calls.get(chat, deque())
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        return calls
