"""styles: named sets of words and options, from the config or built in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.errors import UserError
from bot.language.options import STYLE, mark_value, read, refuse_choice
from bot.messages import Value

NONE = "none"  # `--style none` overrides a default style
BUILT_IN = {
    "ink": "black ink drawing on white paper",
    "oil": "oil painting with thick brush strokes",
    "watercolour": "soft watercolour painting on textured paper",
    "pixel": "pixel art, 16-bit video game",
    "photo": "a sharp photograph, natural light",
    "dream": "surreal dreamlike matte painting | text, watermark :-0.3 --start perlin",
    "tile": "seamless ornamental pattern --symmetry both",
    "draft": "--quality draft",
}


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a style adds: words, which may be empty, and options."""

    words: str = ""
    options: dict[str, Value] = field(default_factory=dict)


class Styles:
    """All available styles."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        """`own`, those of the config, override built-in ones; an empty text removes one. Raises UserError."""
        texts = BUILT_IN | {name.lower(): text for name, text in (own or {}).items()}
        self._styles = {name: style_of(text) for name, text in sorted(texts.items()) if text.strip()}

    @property
    def names(self) -> list[str]:
        """In alphabetical order."""
        return list(self._styles)

    def find(self, name: str, text: str = "") -> Style:
        """A style by its name; raises UserError with the nearest name, pointing at the place in `text`."""
        if name == NONE:
            return Style()
        if name not in self._styles:
            refuse_choice(STYLE, name, self._styles, mark_value(text, STYLE, name))
        return self._styles[name]

    def apply(self, prompt: str, options: dict[str, Value], text: str = "") -> tuple[str, dict[str, Value]]:
        """Replace the `style` option by its words and options; explicit options win."""
        rest = {name: value for name, value in options.items() if name != STYLE}
        style = self.find(str(options.get(STYLE, NONE)), text)
        return f"{prompt} | {style.words}" if style.words else prompt, override(style.options, rest)


def override(general: Mapping[str, Value], nearer: Mapping[str, Value]) -> dict[str, Value]:
    """Options over more general ones. A quality stands for a number of steps, so it takes the place of one, too."""
    kept = {name: value for name, value in general.items() if name != "steps" or "quality" not in nearer}
    return kept | dict(nearer)


def style_of(text: str) -> Style:
    """Parse a style: words and options. Raises UserError."""
    words, options = read(text)
    if STYLE in options:
        raise UserError("style-in-style")
    return Style(words=words, options=options)


def defaults_of(text: str) -> dict[str, Value]:
    """Parse options without words, as in `--steps 150 --style ink`. Raises UserError."""
    words, options = read(text)
    if words:
        raise UserError("only-options", words=words[:60])
    return options
