"""bot/config.py"""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bot import config
from bot.config import Config, Secret, load
from bot.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_the_example_shows_every_setting_with_its_default() -> None:
    """A setting nobody can find is not there."""
    tables = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    sections = {f.name: getattr(Config(), f.name) for f in fields(Config)}
    assert {name: set(table) for name, table in tables.items()} == {
        name: {f.name for f in fields(section)} if name != "styles" else set() for name, section in sections.items()
    }
    assert load(EXAMPLE, {}) == Config() == load(None, {})


def test_a_secret_from_the_environment_wins_and_never_shows(tmp_path: Path) -> None:
    """Files are copied and logs are pasted."""
    path = tmp_path / "c.toml"
    path.write_text('[web]\ntoken = "a-token-of-the-file"\n')
    assert load(path, {}).web.token == Secret("a-token-of-the-file")
    loaded = load(path, {"IMAGO_WEB_TOKEN": "a-token-of-the-environment\n"})
    assert loaded.web.token.value == "a-token-of-the-environment"
    assert "environment" not in repr(loaded) + str(loaded.web.token)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[wob]", "no section [wob]"),
        ("web = 3", "web must be a section"),
        ("[web]\nprot = 3", "[web] has no setting prot"),
        ('[web]\nport = "x"', "port in [web] must be a whole number"),
        ("[web]\nenabled = 1", "enabled in [web] must be true or false"),
        ("[web]\nport = true", "port in [web] must be a whole number"),
        ("[web]\nport = 70000", "port must be from 0 to 65535"),
        ("[web]\ntoken = 12345", "token in [web] must be text"),
        ('[web]\ntoken = "guess-me"', "token must have 16 characters or more"),
        ('[telegram]\ntoken = "1:a\\nb"', "a secret must be one line"),
        ('[web]\nhost = "0.0.0.0"', "token must be set when host is not a loopback address"),
        ('[bot]\nlanguage = "de"', "language must be one of en, ru"),
        ("[engine]\nattempts = -1", "attempts must be from 0"),
        ("[engine]\nat_once = 65", "at_once must be from 0"),
        ("[discord]\nguilds = [1, 'x']", "guilds in [discord] must be a list of whole numbers"),
        ("[discord]\nguilds = 1", "guilds in [discord] must be a list of whole numbers"),
        ("[discord]\napi_base = 'discord.com'", "api_base must be an address that begins with http:// or https://"),
        ("[discord]\ngateway_url = 'https://x'", "gateway_url must be an address that begins with ws:// or wss://"),
        ('[bot]\noptions = "--stebs 5"', "options must be options alone, as in --steps 150 (⟨--stebs⟩ 5)"),
        ('[bot]\noptions = "a star --steps 5"', "options must be options alone"),
        ("styles = 3", "[styles] must have texts in quotes"),
        ("[styles]\nink = 3", "[styles] must have texts in quotes"),
        ('[styles]\n"a b" = "ink"', "a b cannot be the name of a style"),
        ('[styles]\nnone = "ink"', "none cannot be the name of a style"),
        ('[styles]\nink = "black ink --cuts many"', "ink in [styles] cannot be read (black ink ⟨--cuts many⟩)"),
        ('[styles]\nink = "--style oil"', "ink in [styles] cannot be read (style-in-style)"),
        ("[web", "this is not TOML"),
        (b"\xff\xfe", "this is not TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_key_and_file(tmp_path: Path, content: str | bytes, words: str) -> None:
    """Whoever sets the bot up should not have to read its code."""
    path = tmp_path / "c.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    line = str(refused.value)
    assert line.startswith(str(path)) and words in line and "\n" not in line
    assert "12345" not in line


def test_styles_are_names_for_words_and_options(tmp_path: Path) -> None:
    """As many as one likes."""
    path = tmp_path / "c.toml"
    path.write_text('[bot]\noptions = "--steps 150"\n[styles]\nink = "black ink --cuts 24"\noil = ""\n')
    loaded = load(path, {})
    assert (loaded.bot.options, loaded.styles) == ("--steps 150", {"ink": "black ink --cuts 24", "oil": ""})


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """And names the file."""
    with pytest.raises(ConfigError, match=r"none\.toml: the config cannot be read"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)]
)
def test_knows_what_is_loopback(host: str, loopback: bool) -> None:
    """On it hangs whether a token is demanded."""
    assert config.is_loopback(host) is loopback


def test_a_section_under_its_old_name_still_counts(tmp_path: Path) -> None:
    """[house] became [moderation]: the word list of an older config must not be dropped in silence."""
    file = tmp_path / "config.toml"
    file.write_text('[house]\nwords = ["spider"]\n')
    assert load(file, {}).moderation.words == ("spider",)
    file.write_text("[house]\n[moderation]\n")
    with pytest.raises(ConfigError, match="old name of \\[moderation\\]"):
        load(file, {})


def test_what_tools_leave_around_a_file_or_a_secret_is_taken_off(tmp_path: Path) -> None:
    """Notepad writes a mark before the text, `cat` a line feed after it, and some tools quotes around it."""
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbf[web]\nport = 1\n")
    assert load(path, {"IMAGO_TELEGRAM_TOKEN": ' "1:abc"\r\n'}).telegram.token.value == "1:abc"
    assert load(path, {}).web.port == 1
