"""the Discord adapter over real HTTP and a real gateway connection, on loopback."""

import asyncio
import io
import json
import re
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp import web
from PIL import Image
from simcord.backend.errors import BackendError

from bot.__main__ import main
from bot.adapters.base import Adapter, History
from bot.adapters.discord.client import PERMISSIONS, IdentifyPace, invitation, proxy_for
from bot.app import App, build_adapters
from bot.config import BotConfig, Config, LimitsConfig, WebConfig
from bot.errors import Closed, ConfigError, NotDelivered, RetryAfter
from bot.language.options import option_names
from bot.language.styles import Styles
from bot.messages import Action, Address, File, Incoming, Reply, Stage
from bot.texts import Texts
from engine import CHOICES
from tests.bench.bot import discord_storm
from tests.fakes import fakes, scenario
from tests.fakes.discord_driver import WireDriver, config_for, on_the_wire
from tests.fakes.discord_wire import TOKEN, Wire, invalid
from tests.fakes.elsewhere import in_a_thread
from tests.fakes.scripted import noisy

SAY = Texts().say

BUILT_IN_NAMES = Styles().names


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def drawn(driver: WireDriver, prompt: str = "a red star") -> int:
    """Ask for a picture and wait until all that follows it is sent; its number."""
    before = scenario.finals(driver)
    await driver.imagine(prompt)
    await driver.until(lambda: len(scenario.finals(driver)) > len(before))
    await driver.settled()
    return max(scenario.finals(driver))


async def test_the_story_holds_with_the_rights_of_the_invitation_and_every_body_is_valid(tmp_path: Path) -> None:
    """The same story as on SimCord, with what Discord's OpenAPI file says about each call."""
    async with on_the_wire(tmp_path, fakes.PacedEngine()) as driver:
        for role in driver.wire.guild.roles.values():
            role.permissions = 0 if role.id == driver.wire.guild.id else PERMISSIONS.value
        await scenario.play(driver)
        assert {sent.status for sent in driver.wire.sent} <= {200, 204}


def test_the_readme_lists_exactly_the_rights_that_the_bot_asks_for() -> None:
    """Whoever invites it should know what for."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert invitation(None).replace("APPLICATION_ID", "") in readme.replace("APPLICATION_ID", "")
    (line,) = re.findall(r"^Rights: (.+?)\.$", readme, re.MULTILINE)
    named = {name.strip().lower().replace(" ", "_") for name in line.split(",")}
    assert discord.Permissions(**dict.fromkeys(named, True)) == PERMISSIONS


def test_a_body_that_discord_would_refuse_is_noticed() -> None:
    """A check that can't fail is worth nothing."""
    path = "/channels/1/messages"
    assert invalid("POST", path, {"content": "a", "nonce": "x", "enforce_nonce": True}) is None
    assert "content" in str(invalid("POST", path, {"content": "a" * 5000}))
    assert "nonce" in str(invalid("POST", path, {"nonce": "x" * 26}))
    assert invalid("POST", path, {"components": [{"type": 1, "components": [{"type": 2, "style": 99}]}]})
    assert invalid("POST", "/channels/1/massages", {})


async def test_the_first_response_comes_before_any_work(tmp_path: Path) -> None:
    """Three seconds are not long on a busy machine."""
    async with on_the_wire(tmp_path) as driver:
        number = driver.wire.slash("imagine", prompt="a star")
        await driver.until(lambda: number in driver.wire.responses)
        first = next(sent for sent in driver.wire.sent if sent.path.startswith(("/interactions", "/webhooks")))
        assert first.path.startswith(f"/interactions/{number}/") and first.body == {"type": 5}
        assert not [sent for sent in driver.wire.sent if sent.path.endswith("/messages")]


async def test_commands_have_russian_names_and_the_answers_the_language_of_the_asker(tmp_path: Path) -> None:
    """Locale by interaction; a reaction, which tells none, is answered as the last interaction was."""
    async with on_the_wire(tmp_path) as driver:
        commands = driver.wire.backend.commands[None]
        assert {name for name, _ in commands} == {
            "imagine",
            "queue",
            "steer",
            "cancel",
            "show",
            "settings",
            "help",
            "words",
            "server",
            "vary",
            "Draw this",
            "Imago: settings",
            "forget",
            "ban",
            "purge",
            "pause",
        }
        imagine = commands["imagine", 1]
        assert imagine["name_localizations"] == {"ru": "нарисуй"}
        assert imagine["options"][0]["description_localizations"]["ru"].startswith("Что нарисовать")
        assert imagine["integration_types"] == [0, 1] and sorted(imagine["contexts"]) == [0, 1, 2]
        driver.wire.locale = "ru"
        await drawn(driver, "красная звезда")
        assert "зерно" in driver.wire.states[-1].text
        driver.wire.slash("help")
        await driver.until(lambda: any("Напишите, что нарисовать" in text for text in driver.wire.whispers()))
        driver.wire.react("👀", 1)
        await driver.until(lambda: any("Эта команда нарисует" in text for text in driver.wire.whispers()))


async def ask_elsewhere(driver: WireDriver) -> None:
    await driver.adapter._servers.change(driver.wire.guild.id, 12345)
    driver.wire.slash("imagine", prompt="a star")


async def ask_for_many_steps(driver: WireDriver) -> None:
    await driver.adapter._servers.change(driver.wire.guild.id, most_steps=5)
    driver.wire.slash("imagine", prompt="a star", steps=6)


async def press_twice(driver: WireDriver) -> None:
    await drawn(driver)
    driver.wire.press(Action.UPSCALE, 1)
    await driver.until(lambda: scenario.finals(driver) == {1: 1, 2: 1})
    driver.wire.press(Action.UPSCALE, 1)


async def press_what_is_not_mine(driver: WireDriver) -> None:
    await drawn(driver)
    driver.wire.press(Action.DELETE, 1, who=driver.wire.join("bob"))


def types(name: str, **options: Any) -> Callable[[WireDriver], Coroutine[Any, Any, None]]:
    async def type_it(driver: WireDriver) -> None:
        driver.wire.slash(name, **options)

    return type_it


async def ask_again_at_once(driver: WireDriver) -> None:
    driver.engine.gate.clear()
    driver.wire.slash("imagine", prompt="a star")
    await driver.until(lambda: bool(scenario.states(driver, 1)))
    driver.wire.slash("imagine", prompt="a star")


async def cancel_what_has_ended(driver: WireDriver) -> None:
    await drawn(driver)
    driver.wire.slash("cancel", picture=1)


async def enlarge_the_large_one(driver: WireDriver) -> None:
    await drawn(driver)
    driver.wire.press(Action.UPSCALE, 1)
    await driver.until(lambda: scenario.finals(driver) == {1: 1, 2: 1})
    driver.wire.react("⬆️", 2)


async def ask_while_it_shuts_down(driver: WireDriver) -> None:
    async def closed(incoming: Incoming) -> None:
        raise Closed

    driver.adapter._receive = closed
    driver.wire.slash("imagine", prompt="a star")


async def enlarge_what_is_not_drawn_yet(driver: WireDriver) -> None:
    driver.engine.gate.clear()
    driver.wire.slash("imagine", prompt="a star")
    while not ((row := await driver.app._store.row("intent", job=1, role="status")) and row["message"]):
        await asyncio.sleep(0.01)  # a message that the bot does not know yet is none of its business
    driver.wire.react("🔥", 1)


async def ask_for_one_more_today(driver: WireDriver) -> None:
    await drawn(driver)
    driver.wire.slash("imagine", prompt="a moon")


async def cancel_when_the_database_fails(driver: WireDriver) -> None:
    async def broken(owner: str) -> None:
        raise OSError("the disk is gone")

    driver.app._queue.newest_active_of = broken
    driver.wire.slash("cancel")


async def ask_in_a_server_that_is_not_listed(driver: WireDriver) -> None:
    adapter = driver.adapter
    adapter._config = replace(adapter._config, guilds=(99,))
    driver.wire.slash("imagine", prompt="a star")


async def settings_of_another_message(driver: WireDriver) -> None:
    message = driver.wire.backend.create_message(driver.wire.channel, driver.wire.ann, "hello")
    driver.wire.menu("Imago: settings", message.id)


Refusal = tuple[Callable[[WireDriver], Coroutine[Any, Any, None]], str, dict[str, Any]]  # what somebody does, the text
TYPED: list[Refusal] = [
    (types("imagine", prompt="|"), "no-prompt", {}),
    (
        types("imagine", prompt="a star --wings 2"),
        "unknown-option",
        {"name": "wings", "meant": "none", "where": "a star ⟨--wings⟩ 2", "options": option_names()},
    ),
    (
        types("imagine", prompt="a star --seed"),
        "option-value",
        {"name": "seed", "example": "7", "where": "a star ⟨--seed⟩"},
    ),
    (
        types("imagine", prompt="a star --steps 0"),
        "option-whole",
        {"name": "steps", "low": "1", "high": "1000", "where": "a star ⟨--steps 0⟩"},
    ),
    (
        types("imagine", prompt="a star --sampler x"),
        "option-choice",
        {
            "name": "sampler",
            "options": ", ".join(CHOICES["sampler"]),
            "meant": "none",
            "where": "a star ⟨--sampler x⟩",
        },
    ),
    (
        types("imagine", prompt="a star --models x"),
        "option-choice",
        {
            "name": "models",
            "options": "picturebook, toybox",
            "meant": "none",
            "where": "/imagine a star ⟨--models x⟩",
        },
    ),
    (types("imagine", prompt="a star:999"), "prompt-weight", {"where": "⟨a star:999⟩"}),
    (
        types("imagine", prompt="a star", style="inc"),
        "option-choice",
        {
            "name": "style",
            "options": ", ".join(BUILT_IN_NAMES),
            "meant": "ink",
            "where": "⟨--style inc⟩",
        },
    ),
    (types("imagine", prompt="a\x07star"), "prompt-letters", {}),
    (types("imagine", prompt="a" * 1001), "prompt-long", {"length": 1001, "limit": 1000}),
    (types("cancel"), "nothing-to-cancel", {}),
    (types("show", picture=77), "no-such-job", {"job": "77"}),
    (types("server", previews=False), "discord-not-manager", {}),
]
DONE: list[Refusal] = [
    (cancel_what_has_ended, "already-ended", {"job": "1"}),
    (enlarge_the_large_one, "already-large", {"job": "2"}),
    (ask_while_it_shuts_down, "discord-closed", {}),
    (press_twice, "already-upscaled", {"job": "2", "parent": "1"}),
    (press_what_is_not_mine, "not-yours", {"job": "1"}),
    (ask_again_at_once, "too-many-queued", {"limit": 1}),
    (ask_elsewhere, "discord-other-channel", {"channels": "<#12345>"}),
    (ask_for_many_steps, "most-steps", {"limit": 5}),
    (settings_of_another_message, "discord-no-picture-here", {}),
    (enlarge_what_is_not_drawn_yet, "no-picture-yet", {"job": "1"}),
    (ask_for_one_more_today, "too-many-today", {"limit": 1}),
    (cancel_when_the_database_fails, "broken", {}),
    (ask_in_a_server_that_is_not_listed, "discord-not-here", {}),
]
STORIES = [TYPED[::2], TYPED[1::2], *([refusal] for refusal in DONE)]  # what is merely typed leaves nothing behind


@pytest.mark.parametrize(
    ("language", "story"),
    [pytest.param(("en-US", "ru")[k % 2], story, id=story[0][1]) for k, story in enumerate(STORIES)],
)
async def test_every_refusal_is_one_sentence_in_the_askers_language_for_the_asker_alone(
    tmp_path: Path, language: str, story: list[Refusal]
) -> None:
    """And nothing of it stays in the channel."""
    wire = await Wire().start()
    driver = WireDriver(tmp_path, wire)
    driver.limits = LimitsConfig(per_day=1) if story[0][1] == "too-many-today" else LimitsConfig(queued=1)
    wire.locale = language
    await driver.start()
    for does, text, values in story:
        sentence = SAY(language, text, **values)
        await does(driver)
        await driver.until(lambda sentence=sentence: any(plain(said) == sentence for said in wire.whispers()))
    await driver.until(lambda: not any(state_is_left(driver, said) for said in ("…", "")))
    assert wire.invalid == []
    driver.engine.gate.set()
    await driver.stop()
    await wire.stop()


def plain(text: str) -> str:
    """Without the escapes of markup."""
    return re.sub(r"\\([^\w\s])", r"\1", text)


def state_is_left(driver: WireDriver, text: str) -> bool:
    """A message of the bot, for all to see, that says no more than this."""
    stored = driver.wire.backend.messages[driver.wire.channel].values()
    bot = driver.wire.backend.bot_user.id
    return any(m.author_id == bot and not m.is_ephemeral and m.content == text for m in stored)


async def test_a_place_that_takes_little_gets_smaller_files(tmp_path: Path) -> None:
    """The limit stands in each interaction: PNG, then WebP or JPEG, with the word that something is missing."""
    async with on_the_wire(tmp_path) as driver:
        driver.wire.largest = 20_000
        await drawn(driver)
        picture = File(name="1.png", content=noisy(160), media_type="image/png", alt="a")
        gif = File(name="1.gif", content=animation(), media_type="image/gif", alt="a")
        final = Reply(text="ok", stage=Stage.FINAL, picture=picture, gif=gif, job=1)
        address = Address(platform="discord", chat=str(driver.wire.channel))
        await driver.adapter.edit(address, driver.wire.states[-1].message, final)
        shown = driver.wire.states[-1]
        assert shown.picture is not None and len(shown.picture) <= 20_000
        assert Image.open(io.BytesIO(shown.picture)).format in ("WEBP", "JPEG")
        assert shown.gif is None or len(shown.gif) <= 20_000


class Choosy(Wire):
    """Refuses files that are too many bytes for it, and does not say that they are."""

    most = 0

    def _answer(self, request: web.Request, path: str, body: Any, files: list[Any]) -> web.Response:
        if any(len(file.fp.getbuffer()) > self.most for file in files):
            return web.json_response({"message": "Invalid Form Body", "code": 50035}, status=400)
        return super()._answer(request, path, body, files)


@pytest.mark.parametrize("taken", [True, False])
async def test_a_picture_that_is_refused_comes_smaller_else_in_words(tmp_path: Path, taken: bool) -> None:
    """It went straight to words; and the tries have an end."""
    async with on_the_wire(tmp_path, wire=(wire := Choosy())) as driver:
        wire.most = 1_000_000
        await drawn(driver)
        picture = File(name="1.png", content=noisy(120), media_type="image/png", alt="a")
        wire.most, before = len(picture.content) // 2 if taken else 0, len(wire.sent)
        final = Reply(text="ok", stage=Stage.FINAL, picture=picture, job=1)
        await driver.adapter.edit(Address(platform="discord", chat=str(wire.channel)), wire.states[-1].message, final)
        statuses = [sent.status for sent in wire.sent[before:] if sent.method == "PATCH"]
        assert statuses == ([400, 200] if taken else [400, 400, 200])
        shown = wire.states[-1]
        assert bool(shown.picture) is taken and ("/show 1" in shown.text) is not taken


def animation() -> bytes:
    """A GIF of ten noisy frames, about 200 kB."""
    frames = [Image.effect_noise((120, 120), 90) for _ in range(10)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return out.getvalue()


async def test_a_limit_that_is_lower_than_told_is_found(tmp_path: Path) -> None:
    """Discord answers 413: the same message goes out again with smaller files, and the place is remembered."""
    async with on_the_wire(tmp_path) as driver:
        await drawn(driver)
        driver.wire.largest = 30_000
        picture = File(name="1.png", content=noisy(180), media_type="image/png", alt="a")
        address = Address(platform="discord", chat=str(driver.wire.channel))
        for _ in range(2):
            final = Reply(text="ok", stage=Stage.FINAL, picture=picture, job=1)
            await driver.adapter.edit(address, driver.wire.states[-1].message, final)
        assert len(driver.wire.states[-1].picture or b"") <= 30_000
        assert [sent.status for sent in driver.wire.sent].count(413) <= 2


async def test_an_app_of_one_person_edits_by_its_token_and_says_where_the_picture_will_be(
    tmp_path: Path,
) -> None:
    """No channel edits, no reactions: after 15 minutes there is only /show."""
    async with on_the_wire(tmp_path, fakes.PacedEngine()) as driver:
        wire = driver.wire
        wire.extra = {"authorizing_integration_owners": {"1": str(wire.ann)}, "context": 2}
        wire.refuse = no_channel_calls
        await driver.imagine("a red star")
        await driver.draw_on()
        await driver.until(lambda: bool(scenario.previews(driver, 1)))
        assert "/show 1" in wire.states[-1].text
        wire.backend.clock.advance(14 * 60)  # still: the margin is smaller where there is no other way
        await driver.draw_on()
        await driver.until(lambda: len(scenario.previews(driver, 1)) == 2)
        wire.backend.clock.advance(2 * 60)
        driver.engine.free()
        async with asyncio.timeout(20):
            while (await driver.app.counts()).get("delivered") != 1:
                await asyncio.sleep(0.01)
        wire.slash("show", picture=1)
        await driver.until(lambda: any("finished" in text for text in wire.whispers()))


def no_channel_calls(method: str, path: str) -> BackendError | None:
    return BackendError(403, 50001, "Missing Access") if path.startswith("/channels") else None


async def test_an_allow_list_of_servers_keeps_all_others_out(tmp_path: Path) -> None:
    """Whoever runs the bot pays for the electricity."""
    async with on_the_wire(tmp_path, guilds=(99,)) as driver:
        driver.wire.slash("imagine", prompt="a star")
        await driver.until(lambda: SAY("en", "discord-not-here") in driver.wire.whispers())
        assert await driver.app.counts() == {}


def test_a_wrong_token_is_one_line_and_exit_code_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the token is not in it: logs are pasted."""
    with in_a_thread(Wire().serving()) as wire:
        for token in ("wrong.secret.token", "wrong sécret"):
            path = tmp_path / "c.toml"
            path.write_text(
                f'[bot]\nfolder = "{tmp_path}"\n[web]\nenabled = false\n[discord]\ntoken = "{token}"\n'
                f'api_base = "{wire.api_base}"\ngateway_url = "{wire.gateway_url}"\n'
            )
            assert main(["serve", "--config", str(path)]) == 78
            said = capsys.readouterr().err
            assert "Traceback" not in said and "cret" not in said and len(said.strip().splitlines()) == 1
            assert "token in [discord]" in said


async def test_a_discord_that_is_not_there_stops_nobody_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The page serves meanwhile, and what was to be sent to Discord waits."""
    ports = [free_port(), free_port()]
    wire = Wire(port=ports[0])
    config = Config(bot=BotConfig(folder=tmp_path), web=WebConfig(port=ports[1]), discord=config_for(wire))
    served: list[Adapter] = []

    def adapters(app: App, history: History) -> list[Adapter]:
        served.extend(build_adapters(app, history))
        return served

    async with App(config, engine=fakes.Engine(), adapters=adapters).lifespan():
        assert "Discord cannot be reached at http://127.0.0.1" in caplog.text
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{ports[1]}/") as page:
            assert page.status == 200
        with pytest.raises(NotDelivered):
            await served[1].send(Address(platform="discord", chat="7"), Reply(text="a star"), nonce="n")
        await wire.start()
        await wire.until(lambda: wire.connected and None in wire.backend.commands)
        wire.slash("imagine", prompt="a red star")
        await wire.until(lambda: any(shown.job == 1 and shown.gif for shown in wire.states))
    await wire.stop()


async def test_beyond_2500_servers_each_shard_hears_of_its_own(tmp_path: Path) -> None:
    """Discord closes a single connection that has too many (4011)."""
    wire = Wire(shards=2, starts=[1, 1000])
    async with on_the_wire(tmp_path, wire=wire) as driver:
        await wire.until(lambda: len(wire.identified) == 2)
        assert sorted(wire.identified) == [(0, 2), (1, 2)] and wire.starts == [1000], "it waited for a second identify"
        await wire.until(lambda: len(driver.adapter.client.shards) == 2)
        other = wire.backend.create_guild("Music", shard_id=1 - wire.shard_of(wire.guild.id), shard_count=2)
        there = wire.backend.create_channel(other.id, "music").id
        wire.backend.add_member(other.id, wire.ann)
        wire.slash("imagine", prompt="a red star")
        wire.slash("imagine", prompt="a blue moon", channel=there)
        await wire.until(lambda: len(scenario.finals(driver)) == 2)
        assert wire.backend.messages[wire.channel] and wire.backend.messages[there]
        client, connection = driver.adapter.client, driver.adapter.connection
        for shard in (0, 1):
            await client.on_disconnect()
            await client.on_shard_disconnect(shard)
        for shard, well in ((1, False), (0, True)):
            await client.on_shard_resumed(shard)
            assert (connection._why == "") is well, "the bot is well when all of them are back"


def test_identifies_of_one_rate_limit_key_are_five_seconds_apart() -> None:
    """A bot that identifies faster loses its token."""
    pace = IdentifyPace()
    pace.concurrency = 2
    assert [pace.pause(shard, 100.0) for shard in range(6)] == [0, 0, 5, 5, 10, 10]
    assert pace.pause(0, 200.0) == 0


async def test_a_token_that_the_gateway_refuses_is_said_too(tmp_path: Path) -> None:
    """4004: the token was reset between the two calls."""
    wire = await Wire().start()
    driver = WireDriver(tmp_path, wire)
    wire.token = "another"
    with pytest.raises(ConfigError, match="token in \\[discord\\]"):
        await driver.start()
    await wire.stop()


async def test_a_token_that_is_revoked_ends_the_bot_when_no_other_chat_is_left(tmp_path: Path) -> None:
    """A bot that hears nobody must not look healthy; exit 78 tells systemd that to start it again would not help."""
    wire = await Wire().start()
    config = Config(bot=BotConfig(folder=tmp_path), web=WebConfig(enabled=False), discord=config_for(wire))
    app = App(config, engine=fakes.Engine())
    running = asyncio.create_task(app.run())
    await wire.until(lambda: wire.connected)
    (socket,) = wire._sockets
    await socket.close(code=4004)
    with pytest.raises(ConfigError, match="token in \\[discord\\]"):
        await asyncio.wait_for(running, 20)
    await wire.stop()


def test_discord_goes_through_the_proxy_of_the_environment_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy is set, a connection past it would be seen, or not let through."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_for("https://discord.com/api/v10") is None
    monkeypatch.setenv("ALL_PROXY", "socks5://ann:secret@proxy:1080")
    with pytest.raises(ConfigError, match=r"\[discord\]: .*HTTPS_PROXY.*discord\.com") as refused:
        proxy_for("https://discord.com/api/v10")
    assert "secret" not in str(refused.value)
    assert proxy_for("http://127.0.0.1:7/api") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert proxy_for("https://discord.com/api/v10") == "http://proxy:3128"
    monkeypatch.setenv("NO_PROXY", "discord.com")
    assert proxy_for("https://discord.com/api/v10") is None


def test_a_proxy_that_discord_cannot_use_ends_the_bot_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It was a traceback: what had not been opened was closed."""
    monkeypatch.setenv("IMAGO_DISCORD_TOKEN", TOKEN)
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", "socks5://ann:secret@127.0.0.1:9")
    config = tmp_path / "config.toml"
    config.write_text(f'[bot]\nfolder = "{tmp_path}"\n[engine]\nmodels = "toybox"\n[web]\nenabled = false\n')
    assert main(["serve", "--config", str(config)]) == 78
    told = capfd.readouterr().err
    assert "[discord]: Discord cannot be reached through the proxy" in told.splitlines()[-1]
    assert "Traceback" not in told and "secret" not in told


async def test_no_secret_is_logged_however_much_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the bot's token nor those of interactions, which let anybody write in the bot's name."""
    caplog.set_level("DEBUG", "bot")
    async with on_the_wire(tmp_path) as driver:
        refused = iter([0.01, None] * 100)
        driver.wire.limit = lambda method, path: next(refused) if "webhooks" in path else None
        await drawn(driver)
        driver.wire.limit = lambda method, path: None
        driver.wire.refuse = lambda method, path: BackendError(500, 0, "no") if path.endswith("@me") else None
        await drawn(driver)
    assert caplog.text and TOKEN not in caplog.text and "simcord_interaction" not in caplog.text


async def test_the_same_nonce_again_gives_the_message_that_is_there(tmp_path: Path) -> None:
    """A crash between the chat's yes and our note of it."""
    async with on_the_wire(tmp_path) as driver:
        address, reply = Address(platform="discord", chat=str(driver.wire.channel)), Reply(text="hello")
        first = await driver.adapter.send(address, reply, nonce="n1")
        assert await driver.adapter.send(address, reply, nonce="n1") == first
        assert await driver.adapter.send(address, reply, nonce="n2") != first


async def test_after_a_long_outage_the_channel_is_looked_through_before_a_resend(tmp_path: Path) -> None:
    """By then Discord has forgotten the nonce; the job's buttons have not."""
    async with on_the_wire(tmp_path) as driver:
        await drawn(driver)
        address = Address(platform="discord", chat=str(driver.wire.channel))
        button = scenario.states(driver, 1)[-1].message
        driver.wire.backend.clock.advance(3600)
        driver.adapter._started = driver.adapter._clock()  # as after a restart
        again = Reply(text="hello", job=1)
        assert await driver.adapter.send(address, again, nonce="long ago") == button


async def test_a_rate_limit_holds_back_one_chat_and_sends_the_newest(tmp_path: Path) -> None:
    """Where discord.py would wait with an old preview in its hand, the newest goes out."""
    async with on_the_wire(tmp_path) as driver:
        refused = iter([1.0] + [None] * 1000)  # seconds in which even a busy machine has drawn it
        driver.wire.limit = lambda method, path: next(refused) if "@original" in path else None
        await drawn(driver)
        edits = [sent for sent in driver.wire.sent if "@original" in sent.path]
        assert edits[0].status == 429 and edits[1].at - edits[0].at >= 1.0
        assert "seed" in edits[1].body["content"], "the final overtakes what was waiting"


async def test_refusals_without_end_make_the_bot_fall_silent(tmp_path: Path) -> None:
    """10,000 refused calls in ten minutes are a ban."""
    async with on_the_wire(tmp_path) as driver:
        calls = driver.adapter._api
        calls._invalid.extend([calls._clock()] * 3000)
        address = Address(platform="discord", chat=str(driver.wire.channel))
        with pytest.raises(RetryAfter):
            await driver.adapter.send(address, Reply(text="hello"), nonce="n")
        assert not [sent for sent in driver.wire.sent if sent.path.endswith("/messages")]


async def test_a_fault_of_discord_holds_up_nobody(tmp_path: Path) -> None:
    """discord.py would sleep and try again within the call; our own line tries again, and sends others meanwhile."""
    async with on_the_wire(tmp_path) as driver:
        await drawn(driver)
        driver.wire.refuse = lambda method, path: BackendError(500, 0, "fault") if method == "POST" else None
        address = Address(platform="discord", chat=str(driver.wire.channel))
        with pytest.raises(NotDelivered):
            await driver.adapter.send(address, Reply(text="hello"), nonce="n")
        posted = [sent for sent in driver.wire.sent if sent.method == "POST" and sent.path.endswith("/messages")]
        ours = [sent for sent in posted if sent.body["nonce"] == "n"]
        assert [sent.status for sent in ours] == [500]


async def test_a_lost_connection_is_made_again(tmp_path: Path) -> None:
    """The session is gone, the buttons are not."""
    async with on_the_wire(tmp_path) as driver:
        await drawn(driver)
        (old,) = driver.wire._sockets
        await old.send_json({"op": 7, "d": None, "s": None, "t": None})
        await driver.until(lambda: driver.wire.connected and old not in driver.wire._sockets)
        await driver.press(Action.RERUN, 1)
        await driver.until(lambda: scenario.finals(driver) == {1: 1, 2: 1})


def test_the_committed_part_of_the_openapi_file_is_the_one_that_trim_makes() -> None:
    """When the whole file is at hand."""
    from tests.fakes.specs.trim import trimmed

    whole = Path(__file__).parents[3] / "shared" / "specs" / "discord-openapi.json"
    if not whole.exists():
        pytest.skip("shared/specs/discord-openapi.json does not lie beside this checkout")
    part = Path(__file__).parents[1] / "fakes" / "specs" / "discord.json"
    assert trimmed(json.loads(whole.read_text())) == json.loads(part.read_text())


async def test_a_storm_of_429_loses_doubles_and_delays_no_final(tmp_path: Path) -> None:
    """tests/bench/bot/discord_storm.py, in short: every second call of each route is refused."""
    figures = await discord_storm.run(tmp_path, jobs=12, channels=6, longest=0.2)
    assert figures["finals"] == figures["GIFs"] == 12 and figures["refused"] > 12
    assert figures["doubled"] == figures["stale"] == figures["too early"] == figures["invalid bodies"] == 0
