"""bot/delivery/outbox.py: with a clock that jumps instead of waiting."""

import asyncio

from bot.delivery.outbox import Outbox, Parcel
from bot.errors import AdapterError, MessageGone, NotDelivered, Refused, RetryAfter


class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


class Line:
    """An outbox whose chat answers as told; `sent` is what it took, with the time."""

    def __init__(self, *answers: AdapterError | None) -> None:
        self.clock = Clock()
        self.outbox = Outbox(self.clock, self.clock.sleep)
        self.answers = list(answers)
        self.tried: list[str] = []
        self.sent: list[tuple[float, str]] = []
        self.gone: list[str] = []

    def put(self, name: str, slot: str = "job 1", keep: bool = False) -> None:
        async def send() -> None:
            self.tried.append(name)
            await asyncio.sleep(0)
            if self.answers and (error := self.answers.pop(0)):
                raise error
            self.sent.append((self.clock.now, name))

        async def gone() -> None:
            self.gone.append(name)

        self.outbox.put(Parcel(slot=slot, send=send, gone=gone, keep=keep))


async def test_after_a_pause_only_the_newest_preview_is_sent_and_the_final_first() -> None:
    """A chat that says `retry after 30 s` must not get thirty seconds of old previews."""
    line = Line(RetryAfter(30))
    line.put("10 %")
    while not line.tried:
        await asyncio.sleep(0)
    for preview in ("20 %", "30 %", "40 %"):
        line.put(preview)
    line.put("place", slot="job 2")
    line.put("final", slot="job 3", keep=True)
    await line.outbox.drain()
    assert line.sent == [(30.0, "final"), (30.0, "40 %"), (30.0, "place")]
    assert line.tried[0] == "10 %" and "20 %" not in line.tried


async def test_a_preview_never_takes_the_place_of_the_final() -> None:
    """Previews are the first thing to be dropped; the final never is."""
    line = Line(RetryAfter(30))
    line.put("final", keep=True)
    line.put("90 %")
    await line.outbox.drain()
    assert line.sent == [(30.0, "final")]


async def test_the_final_is_tried_until_it_is_taken_and_a_preview_once() -> None:
    """With growing pauses: a platform that is down does not need us on top."""
    line = Line(NotDelivered(), None, NotDelivered(), NotDelivered())
    line.put("90 %", slot="job 2")
    line.put("final", keep=True)
    await line.outbox.drain()
    assert line.sent == [(0.0, "90 %"), (7.0, "final")]  # after 1 + 2 + 4 seconds, in which others are sent
    assert line.tried == ["final", "90 %", *["final"] * 3]


async def test_a_final_survives_a_fault_of_ours() -> None:
    """An OSError at the edit left “drawing” in the chat for ever."""
    line = Line(OSError("out of files"), AdapterError("unforeseen"))  # type: ignore[arg-type]
    line.put("final", keep=True)
    await line.outbox.drain()
    assert [name for _, name in line.sent] == ["final"]


async def test_what_is_refused_for_good_is_not_tried_for_ever() -> None:
    """The next person's picture never appeared."""
    line = Line(Refused())
    line.put("removal", keep=True)
    line.put("final", slot="job 2", keep=True)
    await line.outbox.drain()
    assert (line.gone, line.sent) == (["removal"], [(0.0, "final")])


async def test_a_preview_that_is_refused_is_no_reason_to_end_the_job() -> None:
    """The place is there, and what comes next may be taken: the job was cancelled in silence."""
    line = Line(Refused())
    line.put("10 %")
    await line.outbox.drain()
    line.put("20 %")
    await line.outbox.drain()
    assert (line.gone, line.sent) == ([], [(0.0, "20 %")])


async def test_a_message_that_is_gone_is_told() -> None:
    """A moderator deleted it: that is a cancel."""
    line = Line(MessageGone())
    line.put("10 %")
    await line.outbox.drain()
    assert (line.gone, line.sent) == (["10 %"], [])


async def test_a_fault_with_one_parcel_does_not_hold_up_the_others() -> None:
    """The chat goes on."""
    line = Line()

    async def broken() -> None:
        raise ZeroDivisionError

    line.outbox.put(Parcel(slot="job 0", send=broken, gone=broken))
    line.put("10 %")
    await line.outbox.drain()
    assert line.sent == [(0.0, "10 %")]


async def test_closing_sends_no_more() -> None:
    """What must not be lost is in the database."""
    line = Line(*(NotDelivered() for _ in range(10_000)))
    line.put("final", keep=True)
    while not line.tried:
        await asyncio.sleep(0)
    await line.outbox.close()
    assert line.outbox.idle and line.sent == []
