"""bot/delivery/replies.py: what the chat sees, through the whole bot with a fake chat."""

import asyncio
from pathlib import Path

import pytest

from bot.errors import AddressGone, MessageGone, NotDelivered, RetryAfter
from bot.jobs.job import Status
from bot.messages import Address, Reply, Stage
from bot.storage.store import Store
from tests.fakes import fakes


async def statuses(folder: Path) -> list[str]:
    store = await Store.open(folder / "imago.sqlite")
    rows = await store.rows("counts")
    await store.close()
    return [row["status"] for row in rows for _ in range(row["jobs"])]


async def draw_while_down(folder: Path, chat: fakes.Chat) -> None:
    """A picture that is drawn, and a bot that stops, before the chat has taken anything."""
    async with fakes.bot(folder, chat) as app:
        chat.trouble = [NotDelivered()] * 1000
        await chat.says("a star")
        async with asyncio.timeout(20):
            while not (await app.counts()).get(Status.DRAWN):
                await asyncio.sleep(0.01)


async def test_a_gif_gets_a_message_of_its_own_where_the_platform_wants_that(tmp_path: Path) -> None:
    """And only one, after the picture."""
    chat = fakes.Chat(gif_apart=True)
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star")
        await chat.until(lambda states: states[-1].gif is not None)
        final = await chat.until(lambda states: states[-1].picture is not None and states[-1].gif is None)
        assert final[-1].stage is Stage.FINAL and len(chat.messages) == 2


async def test_what_was_not_shown_before_a_stop_is_shown_once_after_the_start(tmp_path: Path) -> None:
    """The finished PNG is stored before it is sent; a chat that is down for hours gets it when it is back."""
    chat = fakes.Chat()
    await draw_while_down(tmp_path, chat)
    assert not chat.messages
    chat.trouble = []
    async with fakes.bot(tmp_path, chat):
        await chat.until_stage(Stage.FINAL)
    calls = chat.calls
    async with fakes.bot(tmp_path, chat):
        pass
    assert chat.calls == calls and len(chat.messages) == 1
    assert await statuses(tmp_path) == ["delivered"]


async def test_a_send_that_was_not_recorded_is_not_doubled(tmp_path: Path) -> None:
    """Killed between the chat's yes and our note of it: the same nonce again gives the same message."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
    store = await Store.open(tmp_path / "imago.sqlite")
    await store.write("sent", job=1, role="status", message=None)
    async with store.transaction() as transaction:
        await transaction._connection.execute_fetchall("UPDATE jobs SET status = 'drawn', told = 0")
    await store.close()
    async with fakes.bot(tmp_path, chat):
        await chat.until(lambda states: [state.stage for state in states].count(Stage.FINAL) == 2)
    assert len(chat.messages) == 1


async def test_the_finished_picture_is_always_an_edit(tmp_path: Path) -> None:
    """A send may be doubled where a platform knows no nonce: that may cost a line of text, not a second picture."""
    chat = fakes.Chat()
    await draw_while_down(tmp_path, chat)
    chat.trouble = []
    async with fakes.bot(tmp_path, chat):
        first, *_, last = await chat.until_stage(Stage.FINAL)
    assert first.picture is None and not first.buttons and "a star" in first.text
    assert last.picture is not None


@pytest.mark.parametrize("gone", [MessageGone(), AddressGone()])
async def test_a_message_deleted_by_others_cancels_its_job(tmp_path: Path, gone: MessageGone | AddressGone) -> None:
    """Nobody is left to show it to."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star")
        await chat.until(lambda states: states[-1].job == 1)  # it waits, or is begun already
        chat.trouble = [gone, gone]
        engine.gate.set()
    assert chat.calls > 1
    assert await statuses(tmp_path) == ["cancelled"]


async def test_a_final_that_may_not_be_posted_ends_in_words(tmp_path: Path) -> None:
    """A place that takes no picture may take a sentence."""
    chat = Wordy()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star")
        states = await chat.until_stage(Stage.FINAL)
        assert "could not be posted here. Try /show 1" in states[-1].text


class Wordy(fakes.Chat):
    """Lets no finished picture in."""

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        if reply.stage is Stage.FINAL and reply.picture:
            raise AddressGone
        await super().edit(address, message, reply)


async def test_a_job_whose_turn_came_before_its_message_is_shown_at_once(tmp_path: Path) -> None:
    """The engine says nothing until it has read its weights; whoever asked sees that it was heard."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    chat.trouble = [RetryAfter(0.3)]
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star")
        states = await chat.until(lambda states: states[-1].job == 1)
        assert states[-1].stage is Stage.DRAWING
        engine.gate.set()
        await chat.until_stage(Stage.FINAL)


async def test_places_move_up_when_the_queue_moves(tmp_path: Path) -> None:
    """An honest wait is one that is kept up to date."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        for who in ("ann", "bob", "cy"):
            await chat.says("a star", who=who, chat=who)
        await chat.until(lambda states: states[-1].job == 3 and "place 2" in states[-1].text)
        engine.gate.set()
        states = await chat.until_stage(Stage.FINAL, job=3)
        assert any("you are next" in state.text for state in states)


async def test_every_message_stands_in_the_chat_that_asked_and_answers_what_was_asked(tmp_path: Path) -> None:
    """A picture of one chat in another is the worst that a bot can do."""
    chat = fakes.Chat(gif_apart=True)
    async with fakes.bot(tmp_path, chat):
        await asyncio.gather(*(chat.says(f"star {k}", who=f"p{k}", chat=f"c{k}", key=f"t{k}") for k in range(3)))
        await chat.says("/help", chat="c0")
        for job in (1, 2, 3):
            await chat.until_stage(Stage.FINAL, job=job)
            await chat.until(lambda states, job=job: states[-1].gif is not None and states[-1].job == job)
    statuses = [message for message, states in chat.messages.items() if states[0].stage is not Stage.NOTE]
    asked = [chat.answers[message] for message in statuses if chat.answers[message] not in chat.messages]
    assert sorted(asked) == ["t1", "t2", "t3"]
    gifs = [message for message, states in chat.messages.items() if states[-1].gif]
    assert {chat.answers[message] for message in gifs} == set(statuses) - set(gifs)
    (help_text,) = [message for message, states in chat.messages.items() if "Tell me what to draw" in states[-1].text]
    assert (chat.places[help_text], chat.answers[help_text]) == (chat.address("c0"), "t4")


async def test_the_fake_chat_notices_an_answer_in_a_wrong_place(tmp_path: Path) -> None:
    """Else the tests above would say nothing."""
    chat = fakes.Chat()
    await chat.start(ignore)
    await chat.says("a star", chat="a")
    await chat.says("a star", chat="b")
    here = await chat.send(chat.address("a"), Reply(text="yes"), nonce="1", answers="t1")
    assert chat.misplaced == []
    await chat.send(chat.address("b"), Reply(text="no"), nonce="2", answers="t1")
    await chat.send(chat.address("c"), Reply(text="no"), nonce="3")
    await chat.edit(chat.address("b"), here, Reply(text="no"))
    await chat.delete(chat.address("b"), here)
    assert len(chat.misplaced) == 4


async def ignore(incoming: object) -> None:
    """A core that does nothing."""


async def test_a_pause_in_one_chat_does_not_hold_up_another(tmp_path: Path) -> None:
    """`retry_after` moves the next slot of that chat only."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        chat.trouble = [RetryAfter(3600)]
        await chat.says("a star", who="ann", chat="slow")
        async with asyncio.timeout(20):
            while not chat.calls:
                await asyncio.sleep(0)
        await chat.says("a star", who="bob", chat="quick")
        engine.gate.set()
        await chat.until_stage(Stage.FINAL, job=2)
        assert len(chat.messages) == 1
