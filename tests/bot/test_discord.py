"""bot/adapters/discord on SimCord: what people do in a server and what they see, with its clock and its rights."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.adapters.discord.adapter import NOTHING
from bot.adapters.discord.controls import body, job_of
from bot.adapters.discord.mentions import with_names
from bot.adapters.discord.servers import UNKNOWN, Server
from bot.config import ModerationConfig
from bot.errors import UserError
from bot.jobs.cost import cost_of
from bot.jobs.job import Draw, Status
from bot.language.options import read
from bot.messages import Action, Address, Reply
from engine import Event, Inputs, Request, accept_picture
from engine.drawing.steps import resolve_defaults
from engine.model_sets.weights import load_model_set
from tests.bench.bot import pictures
from tests.bot.test_verdicts import Scoring
from tests.fakes import fakes, scenario
from tests.fakes.counted import counted
from tests.fakes.discord_sim import Sim, sim

MINUTE = 60.0


async def drawn(world: Sim, prompt: str = "a red star") -> int:
    """Ask for a picture and wait for it; its number."""
    before = scenario.finals(world)
    await world.imagine(prompt)
    await world.until(lambda: len(scenario.finals(world)) > len(before))
    return max(scenario.finals(world))


async def said(world: Sim, result: Any) -> str:
    """The private answer to an interaction, once it is there."""

    def answers() -> list[Any]:
        return [m for m in (result.response, *result.followups) if m is not None and m.ephemeral and m.content]

    await world.until(lambda: bool(answers()))
    return str(answers()[0].content)


async def half_drawn(world: Sim) -> None:
    """Ask for a picture; two previews are shown."""
    await world.imagine("a red star")
    for _ in range(2):
        await world.draw_on()
    await scenario.until(world, lambda: len(scenario.previews(world, 1)) == 2)


async def test_the_story_holds(tmp_path: Path) -> None:
    """imagine → previews → final → GIF → react → restart → old button → cancel."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await scenario.play(world)


async def test_commands_other_than_imagine_are_answered_to_the_asker_alone(tmp_path: Path) -> None:
    """A channel is not for help texts."""
    async with sim(tmp_path) as world:
        await drawn(world)
        expected = {
            "queue": "The queue is empty",
            "help": "Tell me what to draw",
            "cancel": "nothing to cancel",
            "settings": "Models: picturebook",
            "words": "I can draw",
        }
        for name, words in expected.items():
            result = await world.ann.slash(world.channel, name)
            assert result.ephemeral and words in await said(world, result)
        result = await world.ann.slash(world.channel, "show", picture=1)
        assert await said(world, result) and result.response.attachments[0].description == "a red star"
        result = await world.ann.slash(world.channel, "settings", picture=1)
        assert "/imagine a red star --seed" in await said(world, result)
        assert len(world.texts()) == 1


async def test_every_picture_has_the_prompt_as_its_alt_text_and_each_edit_one_picture(tmp_path: Path) -> None:
    """What is not listed in an edit is removed; alt text is cut where Discord cuts it."""
    async with sim(tmp_path) as world:
        await drawn(world, "star " * 199)
        attached = world.message(1).attachments
        assert [a.filename for a in attached] == ["1.png", "1.gif"]
        assert all(a.description.startswith("star star") and len(a.description) <= 1024 for a in attached)


async def test_draw_this_draws_any_message_and_settings_finds_the_job(tmp_path: Path) -> None:
    """Both are message commands: a right click, no typing."""
    async with sim(tmp_path) as world:
        cat = await world.ann.send(world.channel, "a blue cat")
        await world.ann.context_menu(world.channel, "Draw this", cat)
        await world.until(lambda: scenario.finals(world) == {1: 1})
        result = await world.ann.context_menu(world.channel, "Imago: settings", world.message(1))
        assert result.ephemeral and "/imagine a blue cat --seed" in await said(world, result)
        result = await world.ann.context_menu(world.channel, "Imago: settings", cat)
        assert result.ephemeral and "not one of my pictures" in await said(world, result)


async def test_words_that_ping_or_format_do_nothing(tmp_path: Path) -> None:
    """A prompt is somebody else's text."""
    async with sim(tmp_path) as world:
        await world.imagine(f"@everyone <@{world.ann.id}> **a star**")
        await world.until(lambda: scenario.finals(world) == {1: 1})
        assert r"\*\*a star\*\*" in world.message(1).content
        bodies = [entry.json for entry in world.env.http_requests if isinstance(entry.json, dict)]
        allowed = [body["allowed_mentions"] for body in bodies if "content" in body]
        assert allowed and all(mentions == {"parse": []} for mentions in allowed)


async def test_after_14_minutes_the_message_is_edited_in_the_channel(tmp_path: Path) -> None:
    """The token dies at 15; a picture may take hours."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await half_drawn(world)
        first = world.message(1).id
        for minutes in (14, 1.5, 60):
            await world.env.advance_time(minutes * MINUTE)
            before = len(scenario.previews(world, 1))
            await world.draw_on()
            await scenario.until(world, lambda before=before: len(scenario.previews(world, 1)) > before)  # type: ignore[misc]
            edit = world.env.http_requests[-1]
            assert edit.path == f"/channels/{world.channel.id}/messages/{first}"
        world.engine.free()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        await world.until(lambda: len(world.texts()) == 2)  # the picture, and the ping
        assert world.message(1).id == first


async def test_a_token_that_dies_early_costs_nothing(tmp_path: Path) -> None:
    """Discord may say 50027 or 10015 before its time."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await half_drawn(world)
        world.env.inject_error("PATCH", "/webhooks/*", status=401, code=50027)
        world.engine.free()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        assert len(world.texts()) == 1


async def test_a_job_that_waited_through_a_restart_keeps_its_message(tmp_path: Path) -> None:
    """The interaction is stored with the job: the response is filled in even if nothing was shown before the end."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        world.env.inject_error("PATCH", "/webhooks/*", status=503, times=None)
        await world.imagine("a red star")
        await world.stop()
        await world.env.advance_time(20 * MINUTE)
        world.env.backend.faults.clear()
        world.engine = fakes.Engine()
        await world.start()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        assert sum("seed" in text for text in world.texts()) == 1


async def test_a_message_that_a_moderator_deletes_cancels_the_job(tmp_path: Path) -> None:
    """The queue is empty for it any more."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await half_drawn(world)
        world.env.backend.delete_message(world.channel.id, world.message(1).id)
        world.engine.free()
        async with asyncio.timeout(10):
            while not (await world.app.counts()).get(Status.CANCELLED):
                await asyncio.sleep(0.01)
        assert world.texts() == []


async def test_a_lost_permission_is_said_once_and_in_private(tmp_path: Path) -> None:
    """The channel was closed to the bot: its owner hears where the picture is."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await half_drawn(world)
        await world.env.advance_time(14 * MINUTE)
        path = f"/channels/{world.channel.id}/messages/*"
        world.env.inject_error("PATCH", path, status=403, code=50001, times=None)
        world.engine.free()
        direct = world.ann.user.dm_channel
        await world.until(lambda: bool(world.texts(direct)))
        await world.env.settle()
        (text,) = world.texts(direct)
        assert f"<#{world.channel.id}>" in text and "/show 1" in text


async def test_a_channel_that_allows_words_alone_gets_words(tmp_path: Path) -> None:
    """A missing right to attach files is no reason to cancel: the channel says where the picture can be seen."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await half_drawn(world)
        await world.env.advance_time(14 * MINUTE)
        path = f"/channels/{world.channel.id}/messages/*"
        world.env.inject_error("PATCH", path, status=403, code=50013, times=1)
        world.engine.free()
        await world.until(lambda: "No files may be sent in this channel: /show 1" in world.texts()[-1])
        async with asyncio.timeout(10):
            while not (await world.app.counts()).get(Status.DELIVERED):
                await asyncio.sleep(0.01)


async def test_an_archived_thread_is_woken_by_the_final_alone(tmp_path: Path) -> None:
    """Whoever archives a thread does not want ten previews to open it again."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        thread = world.env.backend.create_thread(world.channel.id, "art thread", owner_id=world.ann.id)
        world.channel = next(t for t in world.channel.threads if t.id == thread.id)
        await half_drawn(world)
        await world.env.advance_time(14 * MINUTE)
        path = f"/channels/{thread.id}/messages/*"
        world.env.inject_error("PATCH", path, status=400, code=50083, times=None)
        wakes: list[Any] = []

        def open_again(event: str, payload: Any) -> None:
            if event == "THREAD_UPDATE":
                wakes.append(payload)
                world.env.backend.faults.clear()

        world.env.backend.subscribers.append(open_again)
        await world.draw_on()
        await world.env.settle()
        assert wakes == []
        world.engine.free()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        assert len(wakes) == 1


async def test_a_ping_comes_only_when_it_took_long(tmp_path: Path) -> None:
    """Edits do not notify; and nobody wants to be called after ten seconds."""
    async with sim(tmp_path, fakes.PacedEngine(), ping_seconds=120.0) as world:
        await half_drawn(world)
        world.engine.free()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        await world.env.settle()
        assert len(world.texts()) == 1
        world.engine = fakes.PacedEngine()
        await world.restart()
        await world.imagine("a blue cat")
        await world.draw_on()
        await world.env.advance_time(3 * MINUTE)
        world.engine.free()
        await world.until(lambda: len(world.texts()) == 3)
        ping = world.channel.last_message
        assert [user.id for user in ping.mentions] == [world.ann.id] and "your picture is ready" in ping.content
        assert ping.reference.message_id == world.message(2).id


async def test_the_bot_offers_two_reactions_and_every_known_emoji_works(tmp_path: Path) -> None:
    """⬆️ and 🔁 stand there to be clicked; the aliases do the same."""
    async with sim(tmp_path) as world:
        await drawn(world)
        await world.until(lambda: len(world.message(1).reactions) == 2)
        assert {str(r.emoji) for r in world.message(1).reactions} == {"⬆️", "🔁"}
        await world.react("⬆️", 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1})
        await world.react("⚡", 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1, 3: 1})
        await world.react("🍕", 1)
        await world.react("👎🏽", 3)
        await world.until(lambda: len(world.texts()) == 2)


async def test_adding_removing_and_adding_a_reaction_makes_one_job(tmp_path: Path) -> None:
    """A finger slips easily."""
    async with sim(tmp_path) as world:
        await drawn(world)
        await world.react("🔁", 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1})
        await world.ann.unreact(world.message(1), "🔁")
        await world.react("🔁", 1)
        await world.react("🎉", 1)
        await world.env.settle()
        assert sum((await world.app.counts()).values()) == 2


async def test_bots_and_other_peoples_messages_are_left_alone(tmp_path: Path) -> None:
    """Two bots that answer one another never stop."""
    async with sim(tmp_path) as world:
        await drawn(world)
        robot = world.guild.add_member(world.env.create_user("robot", bot=True))
        await robot.react(world.message(1), "🔥")
        await robot.send(world.channel, f"{world.env.bot.user.mention} a star")
        other = await world.ann.send(world.channel, "hello")
        await world.ann.react(other, "🔥")
        await world.env.settle()
        assert sum((await world.app.counts()).values()) == 1


async def test_only_owner_or_moderator_deletes(tmp_path: Path) -> None:
    """By reaction there is no private answer in the channel: it goes to the direct messages."""
    async with sim(tmp_path) as world:
        await drawn(world)
        bob = world.guild.add_member(world.env.create_user("bob"))
        await bob.react(world.message(1), "❌")
        await world.until(lambda: world.texts(bob.user.dm_channel) == ["\\#1 belongs to somebody else."])
        result = await bob.click(world.message(1), custom_id=f"imago:{Action.DELETE}:1")
        assert "belongs to somebody else" in await said(world, result)
        role = world.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
        mod = world.guild.add_member(world.env.create_user("mod"), roles=[role])
        await mod.react(world.message(1), "💩")
        await world.until(lambda: world.texts() == [])


async def test_a_refused_button_leaves_nothing_in_the_channel(tmp_path: Path) -> None:
    """A public answer was announced, a private one came: the announcement is taken away."""
    async with sim(tmp_path) as world:
        await drawn(world)
        await world.press(Action.UPSCALE, 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1})
        result = await world.press(Action.UPSCALE, 1)
        assert "has already been upscaled" in await said(world, result)
        await world.until(lambda: len(world.texts()) == 2)


async def test_remix_asks_for_words_options_and_pictures_in_one_form(tmp_path: Path) -> None:
    """The old words are in the field: they stand in the picture's alt text, so this works after a restart."""
    red = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "PNG")
    async with sim(tmp_path) as world:
        await drawn(world)
        shown = await world.press(Action.REMIX, 1)
        field = shown.modal["components"][0]["component"]
        assert field["value"] == "a red star" and shown.modal["title"] == "Remix of #1"
        await world.ann.submit_modal(shown, {"words": "a blue star"})
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1})
        result = await world.ann.slash(world.channel, "show", picture=2)
        assert "remix of" in await said(world, result)
        shown = await world.press(Action.REMIX, 2)
        filled = {"words": "a moon", "options": "--steps 9 --init 0.4", "pictures": ("red.png", red)}
        await world.ann.submit_modal(shown, filled)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1, 3: 1})
        request, given = world.engine.asked[-1], world.engine.given[-1]
        assert isinstance(request, Request) and (request.prompt, request.steps, request.init) == ("a moon", 9, 0.4)
        assert given["inputs"] == Inputs(init=accept_picture(red))
        shown = await world.press(Action.REMIX, 3)
        result = await world.ann.submit_modal(shown, {"words": "a moon", "options": "--stebs 9"})
        assert "Did you mean --steps?" in await said(world, result)


async def test_the_first_picture_of_a_server_comes_with_examples_once(tmp_path: Path) -> None:
    """For the one who asked for it, and nobody else; a restart does not repeat it."""
    async with sim(tmp_path) as world:
        await drawn(world)
        await world.until(lambda: len(first_uses(world)) == 1)
        await world.press(Action.RERUN, 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1})
        await world.restart()
        assert isinstance(world.engine, fakes.PacedEngine)
        world.engine.free()
        await world.press(Action.RERUN, 1)
        await world.until(lambda: scenario.finals(world) == {1: 1, 2: 1, 3: 1})
        assert len(first_uses(world)) == 1 and not any("first picture" in text for text in world.texts())


def first_uses(world: Sim) -> list[str]:
    """What was shown to one person alone after the first picture."""
    stored = world.env.backend.messages[world.channel.id].values()
    return [m.content for m in stored if m.is_ephemeral and "first picture in this server" in m.content]


async def test_the_library_does_not_warn_that_it_cannot_speak(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wants it to: two such lines at each start made people look for a mistake."""
    monkeypatch.setattr(discord.VoiceClient, "warn_nacl", True)
    monkeypatch.setattr(discord.VoiceClient, "warn_dave", True)
    async with sim(tmp_path):
        assert "voice" not in caplog.text.lower()


async def test_steer_asks_for_words_and_a_reply_that_pings_the_bot_has_them(tmp_path: Path) -> None:
    """The modal works after a restart; a reply says something to the bot only while that is being drawn."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        me = world.adapter.client.user
        await world.ann.send(world.channel, f"<@{me.id}> a red star")  # of answers to commands a reply tells nothing
        await world.draw_on()
        await world.draw_on()
        await scenario.until(world, lambda: len(scenario.previews(world, 1)) == 2)
        shown = await world.press(Action.STEER, 1)
        assert shown.modal["title"] == "Steer #1" and not shown.modal["components"][0]["component"].get("value")
        result = await world.ann.submit_modal(shown, {"words": "a blue star"})
        typed = await world.ann.slash(world.channel, "steer", words="3 stars")
        await world.ann.send(world.channel, "+ a moon", reply_to=world.message(1))
        await world.draw_on()
        assert "newer words replace" in await said(world, result) and "newer words replace" in await said(world, typed)
        await world.until(lambda: any("on: “+ a moon”" in text for text in world.texts()))
        await scenario.finish(world, 1)
        await world.ann.send(world.channel, "wow!", reply_to=world.message(1))
        assert world.engine.heard == ["a blue star", "3 stars", "+ a moon"] and len(world.engine.asked) == 1


async def test_direct_messages_and_mentions_are_prompts(tmp_path: Path) -> None:
    """Neither needs the message content intent."""
    async with sim(tmp_path) as world:
        await world.ann.user.send_dm("a red star")
        direct = world.ann.user.dm_channel
        await world.until(lambda: any("seed" in text for text in world.texts(direct)))
        await world.ann.user.slash("queue")
        await world.ann.send(world.channel, f"<@{world.env.bot.user.id}> a blue cat")
        await world.until(lambda: any("blue cat" in text and "seed" in text for text in world.texts()))
        assert world.channel.last_message.reference is not None
        before = sum((await world.app.counts()).values())
        await world.ann.send(world.channel, "a green cat, without asking anybody")
        assert sum((await world.app.counts()).values()) == before


def test_mentions_are_names_and_links_are_not_shown() -> None:
    """A network would draw the number; and a prompt must not bring somebody else's page into a chat."""
    names = {5: "Ann", 7: "general"}
    assert with_names("<@5> and <@!6> in <#7><#8> <:party_blob:9> <a:wave:1> <t:12:R>!", names) == (
        "Ann and somebody in general party blob wave !"
    )
    assert with_names("/ban <@5>", names) == "/ban <@5>"
    for ephemeral in (False, True):
        shown = body(Reply(text="https://example.org"), NOTHING, ephemeral=ephemeral)
        assert shown.payload is not None and shown.payload["flags"] == 4 + 64 * ephemeral


async def test_only_unprivileged_intents_are_asked_for(tmp_path: Path) -> None:
    """So that no server owner has to trust us with what people write."""
    async with sim(tmp_path) as world:
        intents = world.env.bot.intents
        assert not (intents.members or intents.presences or intents.message_content)


async def test_a_server_sets_channels_steps_previews_and_spoilers(tmp_path: Path) -> None:
    """By those who manage it, and it outlives a restart."""
    async with sim(tmp_path) as world:
        role = world.guild.create_role("Boss", permissions=discord.Permissions(manage_guild=True))
        boss = world.guild.add_member(world.env.create_user("boss"), roles=[role])
        result = await boss.slash(
            world.channel, "server", channel=world.channel, steps=5, **{"most-steps": 20}, previews=False, spoiler=True
        )
        assert result.ephemeral and "steps 5, at most 20" in await said(world, result)
        await world.restart()
        result = await world.ann.slash(world.channel, "imagine", prompt="a star", steps=21)
        assert "20 steps or fewer" in await said(world, result)
        result = await world.ann.slash(world.channel, "imagine", prompt="a star --steps 500")
        assert "20 steps or fewer" in await said(world, result)
        other = world.guild.create_text_channel("other")
        result = await world.ann.slash(other, "imagine", prompt="a star")
        assert result.ephemeral and f"<#{world.channel.id}>" in await said(world, result)
        world.engine.free()
        await drawn(world)
        assert scenario.previews(world, 1) == [] and "5 steps" in world.message(1).content
        assert world.message(1).attachments[0].filename.startswith("SPOILER_")


async def test_a_server_limits_the_pictures_of_one_person(tmp_path: Path) -> None:
    """Below what the bot allows."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        boss = world.guild.owner
        await world.adapter._servers.change(world.guild.id, most_queued=1)
        assert boss is not None
        await world.imagine("a star")
        result = await world.ann.slash(world.channel, "imagine", prompt="another star")
        assert "You have 1 picture in the queue" in await said(world, result)


RED = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "PNG")


def given(world: Sim) -> Inputs:
    """What the last drawing was made from."""
    inputs = world.engine.given[-1]["inputs"]
    assert isinstance(inputs, Inputs)
    return inputs


async def test_an_attached_picture_is_fetched_and_drawn_from(tmp_path: Path) -> None:
    """As an option of the command, on a message that is drawn, and one of the bot's own in a reply with --init.

    Of other people's messages Discord tells a bot without the Message Content intent nothing but a mention.
    """
    async with sim(tmp_path) as world:
        clean = accept_picture(RED)
        await world.ann.slash(world.channel, "imagine", prompt="a star", picture=("red.png", RED), init=0.4)
        await world.until(lambda: 1 in scenario.finals(world))
        assert given(world) == Inputs(init=clean)
        message = await world.ann.send(world.channel, "a star", attachments=[("red.png", RED), ("a.txt", b"hello")])
        await world.ann.context_menu(world.channel, "Draw this", message)
        await world.until(lambda: 2 in scenario.finals(world))
        assert given(world) == Inputs(targets=((clean, 1.0),))
        me = world.adapter.client.user
        await world.ann.send(world.channel, f"<@{me.id}> a cat", reply_to=world.message(1))
        await world.until(lambda: 3 in scenario.finals(world))
        assert given(world) == Inputs()
        await world.ann.send(world.channel, f"<@{me.id}> a cat --init 0.3", reply_to=world.message(1))
        await world.until(lambda: 4 in scenario.finals(world))
        assert given(world).init is not None


async def test_a_picture_is_told_by_its_bytes_whatever_its_type_says(tmp_path: Path) -> None:
    """Programs upload PNG as anything; and what one has attached oneself is used or refused, never passed over."""
    async with sim(tmp_path) as world:
        me = world.adapter.client.user
        await world.ann.send(world.channel, f"<@{me.id}> a star", attachments=[("picture", RED)])
        await world.until(lambda: 1 in scenario.finals(world))
        assert given(world).targets
        for name, content in (("a.txt", b"hello"), ("empty.png", b"")):
            await world.ann.send(world.channel, f"<@{me.id}> a cat", attachments=[(name, content)])
        await world.until(lambda: len([t for t in world.texts() if "picture" in t]) == 2)


async def test_a_file_that_is_no_picture_is_refused_for_the_asker_alone(tmp_path: Path) -> None:
    """And nothing stays in the channel."""
    async with sim(tmp_path) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a star", picture=("a.pdf", b"%PDF-1.7"))
        assert "PNG, JPEG, WebP or GIF" in await said(world, result)


async def test_what_an_option_may_be_is_suggested(tmp_path: Path) -> None:
    """While somebody types; only what the usual models take."""
    async with sim(tmp_path) as world:

        async def offered(option: str, begun: str) -> list[str]:
            return [c["value"] for c in await world.ann.autocomplete(world.channel, "imagine", option, begun)]

        assert await offered("style", "dr") == ["draft"] and "ink" not in await offered("style", "")
        assert await offered("models", "toy") == ["toybox"]
        assert await offered("size", "256х2") == ["256x256"] == await offered("size", "")


async def test_several_pictures_have_rows_of_buttons_with_numbers(tmp_path: Path) -> None:
    """And a picked one its own; its message is not taken for the job's."""
    async with sim(tmp_path) as world:
        await world.ann.slash(world.channel, "imagine", prompt="a star", count=4)
        await world.until(lambda: 1 in scenario.finals(world))
        rows = [[child.custom_id for child in row.children] for row in world.message(1).components]
        assert rows == [[f"imago:{action}:1:{k}" for k in range(1, 5)] for action in ("pick", "upscale", "vary")] + [
            [f"imago:{action}:1" for action in ("rerun", "remix", "settings", "delete")]
        ]
        result = await world.ann.click(world.message(1), custom_id="imago:pick:1:2")
        await world.until(lambda: any("Picture 2 of #1" in text for text in world.texts()))
        assert not result.ephemeral
        picked = next(m for m in world.channel.history(viewer=world.ann) if "Picture 2" in m.content)
        assert job_of([row.to_dict() for row in picked.components]) == 1
        assert job_of([row.to_dict() for row in picked.components], whole=True) is None
        await world.ann.click(picked, custom_id="imago:vary:1:2")
        await world.until(lambda: 2 in scenario.finals(world))
        assert given(world).init is not None


class ResolvingEngine(fakes.Engine):
    """It fills in what the request leaves open, as the real one does first of all."""

    async def events(self, request: Any, resume: bytes | None = None, **given: Any) -> AsyncGenerator[Event, None]:
        resolve_defaults(request, load_model_set("toybox").defaults)
        async with aclosing(super().events(request, resume, **given)) as events:
            async for event in events:
                yield event


async def test_a_slash_command_is_parsed_once_and_its_request_is_built_three_times_until_the_first_preview(
    tmp_path: Path,
) -> None:
    """By whoever takes the command, whoever reads the job from the database, and the engine.

    Typed options once became text again, which was parsed by the adapter and twice by the bot, and each option was
    checked by a request of its own: three parses and nine requests.
    """
    async with sim(tmp_path, ResolvingEngine()) as world:
        await world.adapter._servers.change(world.guild.id, options="--cuts 6", most_steps=100)
        options = {"seed": 7, "steps": 10, "style": "draft", "eta": 0.5, "guidance": "0:800,100:400"}
        cost_of(Draw(request=Request(prompt="a star")))  # what a normal drawing takes is worked out once for all
        with counted(parses=read, requests=Request.__post_init__) as calls:
            await world.ann.slash(world.channel, "imagine", prompt="a red star", **options)
            await world.until(lambda: bool(scenario.previews(world, 1)))
        assert calls["parses"] == 1 and calls["requests"] <= 3
        assert world.engine.asked[-1].cuts == 6


async def test_a_server_has_default_options_of_its_own(tmp_path: Path) -> None:
    """Checked when they are set; what a person says wins."""
    async with sim(tmp_path) as world:
        guild = world.guild.id
        await world.adapter._servers.change(guild, options="--eta 0.4 --steps 12", most_steps=20)
        await drawn(world)
        assert (world.engine.asked[-1].steps, world.engine.asked[-1].eta) == (12, 0.4)
        await world.ann.slash(world.channel, "imagine", prompt="a star", steps=15, style="none")
        await world.until(lambda: 2 in scenario.finals(world))
        assert (world.engine.asked[-1].steps, world.engine.asked[-1].prompt) == (15, "a star")
        wrong = {"--steps 21": "most-steps", "--stebs 5": "unknown-option", "ink": "only-options"}
        for options, sentence in wrong.items():
            with pytest.raises(UserError, match=sentence):
                await world.adapter._servers.change(guild, options=options)


async def test_those_who_keep_order_ban_purge_and_pause_by_slash_commands(tmp_path: Path) -> None:
    """In their channel; and anybody can be forgotten."""
    async with sim(tmp_path) as world:
        role = world.guild.create_role("Mod", permissions=discord.Permissions(manage_messages=True))
        mia = world.guild.add_member(world.env.create_user("mia"), roles=[role])
        assert await drawn(world) == 1

        async def says(who: Any, command: str, **options: Any) -> str:
            return await said(world, await who.slash(world.channel, command, **options))

        assert "in this chat until /resume" in await says(mia, "pause")
        assert "New pictures are paused" in await says(world.ann, "imagine", prompt="a moon")
        assert "drawn again" in await says(mia, "pause", lift=True)
        assert "has been removed everywhere" in await says(mia, "purge", picture=1)
        await world.until(lambda: not any("a red star" in text for text in world.texts()))
        assert "is now banned in this chat" in await says(mia, "ban", person=world.ann.user)
        assert "banned from using this bot here" in await says(world.ann, "queue")
        assert "cannot be undone" in await says(world.ann, "forget")
        assert "is no longer banned" in await says(mia, "ban", person=world.ann.user, lift=True)


async def test_a_server_limits_the_pictures_of_everybody_in_a_day(tmp_path: Path) -> None:
    """Over all its channels."""
    async with sim(tmp_path) as world:
        await world.adapter._servers.change(world.guild.id, most_per_day=1)
        await drawn(world)
        other = world.guild.create_text_channel("other")
        bob = world.guild.add_member(world.env.create_user("bob"))
        result = await bob.slash(other, "imagine", prompt="another star")
        assert "1 picture has been asked for here in 24 hours" in await said(world, result)


async def test_a_hidden_picture_is_a_spoiler_in_any_server(tmp_path: Path) -> None:
    """Whatever the server has set."""
    async with sim(tmp_path, Scoring()) as world:
        world.rules = ModerationConfig(check="x", check_threshold=0.3)
        await world.stop()
        await world.start()
        await drawn(world, "0.9 stars")
        assert [a.filename for a in world.message(1).attachments] == ["SPOILER_1.png", "SPOILER_1.gif"]


async def test_a_thread_that_went_into_the_archive_keeps_the_settings_of_its_server(tmp_path: Path) -> None:
    """The library forgets such a thread: hidden pictures were shown, and previews where there were to be none."""
    async with sim(tmp_path, fakes.PacedEngine()) as world:
        await world.adapter._servers.change(world.guild.id, previews=False, spoiler=True)
        thread = world.env.backend.create_thread(world.channel.id, "art thread", owner_id=world.ann.id)
        world.channel = next(t for t in world.channel.threads if t.id == thread.id)
        await world.imagine("a red star")
        await world.draw_on()
        guild = world.adapter.client.get_guild(world.guild.id)
        assert guild is not None
        guild._remove_thread(guild.get_thread(thread.id))  # type: ignore[arg-type]
        assert world.adapter.client.get_channel(thread.id) is None
        await world.draw_on()
        world.engine.free()
        await world.until(lambda: scenario.finals(world) == {1: 1})
        assert scenario.previews(world, 1) == []
        assert [a.filename for a in world.message(1).attachments] == ["SPOILER_1.png", "SPOILER_1.gif"]


async def test_of_a_channel_that_nobody_knows_pictures_are_hidden(tmp_path: Path) -> None:
    """A job of an earlier version, without its server: what protects people holds where nobody knows what was set."""
    async with sim(tmp_path) as world:
        place = world.adapter._destination(Address(platform="discord", chat="77"))
        assert place.server == UNKNOWN and place.server.spoiler and not place.server.previews
        here = Address(platform="discord", chat=str(world.channel.id))
        assert world.adapter._destination(here).server == Server()
        direct = Address(platform="discord", chat="78", server="78")
        assert world.adapter._destination(direct).server == Server()


@pytest.mark.parametrize("ahead", [-20 * MINUTE, 20 * MINUTE])
async def test_a_wrong_clock_of_ours_changes_nothing(tmp_path: Path, ahead: float) -> None:
    """With 20 minutes ahead every interaction was dead on arrival: "thinking…" for ever, and each owner was called."""
    async with sim(tmp_path) as world:
        world.adapter._clock = lambda: world.now + ahead
        result = await world.ann.slash(world.channel, "help")
        assert "Tell me what to draw" in await said(world, result)
        await drawn(world)
        await world.env.settle()
        assert not any("<@" in text for text in world.texts())
        await world.env.advance_time(15 * MINUTE)
        assert not any(ref.usable(world.adapter._clock()) for ref in world.adapter._refs.values())
