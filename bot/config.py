"""frozen Config from a TOML file and, for secrets, the environment; each mistake is one line naming key and file."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.errors import ConfigError, UserError
from bot.language.styles import NONE, defaults_of, style_of

SHORTEST_TOKEN = 16  # characters of the page's token, which anybody may try to guess
RENAMED = {"house": "moderation"}  # old name of a section → the one it has now


@dataclass(frozen=True)
class Secret:
    """Text that never appears in a log: only `value` reveals it."""

    value: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "Secret":
        """As somebody pasted it: without the line feed at its end, and the quotes that some tools leave around it."""
        text = text.strip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            text = text[1:-1].strip()
        if not text.isprintable():
            raise ValueError("a secret must be one line of letters, digits and signs")
        return cls(text)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return "(secret)" if self.value else "(none)"


@dataclass(frozen=True, kw_only=True)
class BotConfig:
    """[bot]"""

    folder: Path = Path("imago")  # database and pictures
    language: str = "en"  # for people whose language is not supported: en or ru
    log_level: str = "info"  # debug, info, warning or error
    log_format: str = "text"  # text or json, one line an event either way
    log_prompts: bool = False  # whether prompts may stand in the log
    options: str = ""  # default options of every drawing, as typed: --steps 150

    def __post_init__(self) -> None:
        _one_of("language", self.language, ("en", "ru"))
        _one_of("log_format", self.log_format, ("text", "json"))
        _one_of("log_level", self.log_level, ("debug", "info", "warning", "error"))
        try:
            defaults_of(self.options)
        except UserError as error:
            raise ValueError(f"options must be options alone, as in --steps 150 ({_reason_of(error)})") from error


@dataclass(frozen=True, kw_only=True)
class LimitsConfig:
    """[limits], each for one person unless it says otherwise; 0 is no limit. A larger job counts as several."""

    queued: int = 10  # jobs that wait or are drawn
    running: int = 1  # jobs that are drawn at the same time
    per_day: int = 200  # jobs in 24 hours
    server_per_day: int = 0  # jobs in 24 hours of everybody in one Discord server, on the chat page, or in one chat
    per_job: float = 100.0  # work of one job, in normal pictures of its model set
    per_minute: int = 60  # messages, presses and reactions; on the chat page ten times as many of everybody together

    def __post_init__(self) -> None:
        _within("per_job", self.per_job, 0, 1_000_000)
        for name in ("queued", "running", "per_day", "server_per_day", "per_minute"):
            _within(name, getattr(self, name), 0, 100_000)


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """[engine]"""

    models: str = "picturebook"  # model set for those who name none; auto: what suits this machine
    at_once: int = 0  # pictures that are drawn at a time; 0: one on a CPU, what is measured on a GPU
    attempts: int = 3  # restarts of the engine that one job may cost before it fails
    beat_seconds: float = 30.0  # silence after which the engine process counts as dead
    hang_seconds: float = 600.0  # time without a step after which it counts as hung
    ray: str = ""  # Ray cluster that draws: auto, or its head as host:port; empty: one engine process here
    ray_cpu_engines: int = 0  # engines on each of its machines without a GPU

    def __post_init__(self) -> None:
        _within("at_once", self.at_once, 0, 64)
        _within("attempts", self.attempts, 0, 100)
        _within("beat_seconds", self.beat_seconds, 3, 3600)
        _within("hang_seconds", self.hang_seconds, 1, 86400)
        _within("ray_cpu_engines", self.ray_cpu_engines, 0, 256)
        if self.ray not in ("", "auto") and not re.fullmatch(r"[\w.-]+:[0-9]{1,5}", self.ray):
            raise ValueError("ray must be auto, or the address of the cluster's head as in 10.0.0.5:6379")


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """[web], the chat page"""

    enabled: bool = True
    host: str = "127.0.0.1"  # address to listen on; any but loopback demands a token
    port: int = 8420
    token: Secret = Secret()  # required of browsers; empty for none
    queued: int = 100  # jobs of everybody on the page together that wait or are drawn; 0 is no limit
    per_day: int = 2000  # jobs of everybody on the page together in 24 hours; 0 is no limit

    def __post_init__(self) -> None:
        _within("port", self.port, 0, 65535)
        for name in ("queued", "per_day"):
            _within(name, getattr(self, name), 0, 1_000_000)
        if not is_loopback(self.host) and not self.token:
            raise ValueError("token must be set when host is not a loopback address, or anybody could come in")
        if self.token and len(self.token.value) < SHORTEST_TOKEN:
            raise ValueError(f"token must have {SHORTEST_TOKEN} characters or more: `openssl rand -hex 16` makes one")


@dataclass(frozen=True, kw_only=True)
class DiscordConfig:
    """[discord]; enabled by a token"""

    token: Secret = Secret()  # of the bot, from the developer portal
    api_base: str = "https://discord.com/api/v10"  # for those who run an API proxy
    gateway_url: str = "wss://gateway.discord.gg/"  # likewise
    guilds: tuple[int, ...] = ()  # ids of the servers that may use the bot; empty for all
    ping_seconds: float = 120.0  # a picture that took longer is announced to its owner by a ping

    def __post_init__(self) -> None:
        _url("api_base", self.api_base, "http", "https")
        _url("gateway_url", self.gateway_url, "ws", "wss")
        _within("ping_seconds", self.ping_seconds, 0, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class TelegramConfig:
    """[telegram]; enabled by a token"""

    token: Secret = Secret()  # of the bot, from @BotFather
    base_url: str = "https://api.telegram.org"  # for those who run a Bot API server of their own
    chats: tuple[int, ...] = ()  # ids of the chats where anybody may use the bot
    people: tuple[int, ...] = ()  # ids of the people who may use it anywhere; both lists empty: everybody
    webhook: str = ""  # public https address that updates are posted to; empty: the bot asks for them
    host: str = "127.0.0.1"  # where it listens for them, behind a proxy that speaks https
    port: int = 8421

    def __post_init__(self) -> None:
        _url("base_url", self.base_url, "http", "https")
        if self.webhook:
            _url("webhook", self.webhook, "https")
        _within("port", self.port, 0, 65535)


@dataclass(frozen=True, kw_only=True)
class ModerationConfig:
    """[moderation]: owners, forbidden words, retention and the check of finished pictures"""

    owners: tuple[str, ...] = ()  # people with all rights everywhere, as platform:id; /whoami shows one's own
    words: tuple[str, ...] = ()  # words and phrases that are forbidden in prompts; whole words, in any case
    words_file: str = ""  # more of them, one a line; lines that begin with # are comments
    keep_days: int = 0  # days after which prompts and pictures are deleted; 0 keeps them
    check: str = ""  # texts, with | between them, that CLIP compares each finished picture with; empty for no check
    check_threshold: float = 0.5  # score from which on a picture counts as showing one of them; depends on the models
    check_action: str = "spoiler"  # what happens to it: spoiler hides it behind a click, withhold does not show it

    def __post_init__(self) -> None:
        _one_of("check_action", self.check_action, ("spoiler", "withhold"))
        _within("check_threshold", self.check_threshold, -1, 1)
        for owner in self.owners:
            if not re.fullmatch(r"[a-z]+:\S+", owner):
                raise ValueError("owners must be written as platform:id, for example discord:123")
        _within("keep_days", self.keep_days, 0, 36500)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set."""

    bot: BotConfig = field(default_factory=BotConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    moderation: ModerationConfig = field(default_factory=ModerationConfig)
    web: WebConfig = field(default_factory=WebConfig)
    discord: DiscordConfig = field(default_factory=DiscordConfig)
    telegram: TelegramConfig = field(default_factory=TelegramConfig)
    styles: Mapping[str, str] = field(default_factory=dict)  # [styles]: name → words and options


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """The config in a file, or the defaults when there is none; raises ConfigError with one line.

    A secret may come from the environment: `IMAGO_WEB_TOKEN` stands for `token` in `[web]` and wins over the file.
    """
    where = str(path) if path else "the environment"
    tables = _rename_sections(_read(path), where) if path else {}
    known: dict[str, Any] = {f.name: f.default_factory for f in fields(Config)}
    for name in tables:
        if name not in known:
            raise ConfigError(f"{where}: there is no section [{name}]; known are {', '.join(known)}.")
    styles = _styles(tables.get("styles", {}), where)
    known.pop("styles")
    sections = {name: _section(kind, name, tables.get(name, {}), environment, where) for name, kind in known.items()}
    return Config(**sections, styles=styles)


def _rename_sections(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """With the sections that had another name in earlier versions under today's. Raises ConfigError for both names."""
    for old, new in RENAMED.items():
        if old in tables and new in tables:
            raise ConfigError(f"{where}: [{old}] is the old name of [{new}]: put its settings into [{new}].")
    return {RENAMED.get(name, name): table for name, table in tables.items()}


def _styles(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise ConfigError(f'{where}: [styles] must have texts in quotes: ink = "black ink drawing --cuts 24".')
    for name, text in table.items():
        if not re.fullmatch(r"\w[\w-]{0,31}", name) or name.lower() == NONE:
            raise ConfigError(f"{where}: in [styles], {name} cannot be the name of a style: use letters and digits.")
        try:
            style_of(text)
        except UserError as error:
            raise ConfigError(f"{where}: {name} in [styles] cannot be read ({_reason_of(error)}).") from error
    return table


def _reason_of(error: UserError) -> str:
    """What is wrong with options in the config, before any language is loaded."""
    return str(error.values.get("where") or error.values.get("words") or error.text)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: this is not TOML: {error}.") from error


def _section(kind: Any, name: str, table: object, environment: Mapping[str, str], where: str) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: {name} must be a section: write [{name}] on a line of its own.")
    defaults = {f.name: f.default for f in fields(kind)}
    texts = {f.name for f in fields(kind) if f.type == tuple[str, ...]}
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in defaults:
            raise ConfigError(f"{where}: [{name}] has no setting {key}; known are {', '.join(defaults)}.")
        values[key] = _convert(value, defaults[key], f"{where}: {key} in [{name}]", of_texts=key in texts)
    for key in (k for k, default in defaults.items() if isinstance(default, Secret)):
        if text := environment.get(environment_name(name, key)):
            values[key] = text
    try:
        values |= {k: Secret.parse(v) for k, v in values.items() if type(defaults[k]) is Secret and isinstance(v, str)}
        return kind(**values)
    except ValueError as error:
        raise ConfigError(f"{where}: in [{name}], {error}.") from error


def secrets(config: Config) -> list[str]:
    """Every secret that is set, so that it can be masked."""
    sections = [getattr(config, section.name) for section in fields(config)]
    values = (getattr(section, f.name) for section in sections if is_dataclass(section) for f in fields(section))
    return [value.value for value in values if isinstance(value, Secret) and value]


def environment_name(section: str, key: str) -> str:
    """The environment variable of a secret."""
    return f"IMAGO_{section}_{key}".upper()


def _convert(value: object, default: object, where: str, *, of_texts: bool = False) -> object:
    """The TOML value as the type of the default; ConfigError when it is of another."""
    if isinstance(default, bool):
        wanted, right = "true or false", isinstance(value, bool)
    elif isinstance(default, int):
        wanted, right = "a whole number", isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(default, float):
        wanted, right = "a number", isinstance(value, int | float) and not isinstance(value, bool)
    elif of_texts:
        wanted, right = "a list of texts", isinstance(value, list) and all(type(item) is str for item in value)
    elif isinstance(default, tuple):
        wanted, right = "a list of whole numbers", isinstance(value, list) and all(type(item) is int for item in value)
    else:
        wanted, right = "text in quotes", isinstance(value, str)
    if not right:
        raise ConfigError(f"{where} must be {wanted}.")
    return value if isinstance(default, Secret) else type(default)(value)  # type: ignore[call-arg]


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")


def _url(name: str, value: str, *schemes: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{name} must be an address that begins with {' or '.join(s + '://' for s in schemes)}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
