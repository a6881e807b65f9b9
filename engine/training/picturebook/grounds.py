"""what a thing lies on: eleven plain colours and twelve settings that we draw ourselves, always the same."""

from collections.abc import Callable

import numpy as np

from engine.training.toybox import world as toybox

COLOURS = {**toybox.COLOURS, "grey": (140, 142, 146)}  # sRGB
SUPERSAMPLE = 4

Rgb = tuple[float, float, float]


class Canvas:
    """A picture in units of 64 × 64, painted from the back to the front."""

    def __init__(self, side: int) -> None:
        at = (np.arange(side) + 0.5) * 64 / side
        self.x, self.y = np.meshgrid(at, at)
        self.rgb = np.zeros((side, side, 3))

    def fade(self, *stops: tuple[float, Rgb], where: np.ndarray | None = None) -> None:
        """Colours from the top down, a gradient between (height, colour) stops."""
        heights = [height for height, _ in stops]
        down = [np.interp(self.y[:, 0], heights, [rgb[k] for _, rgb in stops]) for k in range(3)]
        colours = np.broadcast_to(np.stack(down, axis=-1)[:, None], self.rgb.shape)
        self.rgb = colours.copy() if where is None else np.where(where[..., None], colours, self.rgb)

    def fill(self, where: np.ndarray, rgb: Rgb, share: float = 1.0) -> None:
        self.rgb[where] = (1 - share) * self.rgb[where] + share * np.array(rgb)

    def disc(self, x: float, y: float, radius: float, rgb: Rgb, share: float = 1.0) -> None:
        self.fill((self.x - x) ** 2 + (self.y - y) ** 2 < radius**2, rgb, share)

    def hill(self, height: float, swell: float, length: float, phase: float) -> np.ndarray:
        """Where the ground lies below a wavy line."""
        return self.y > height + swell * np.sin(2 * np.pi * (self.x / length + phase))


def _snow(c: Canvas) -> None:
    c.fade((0, (150, 190, 225)), (40, (215, 232, 245)))
    c.fade((36, (250, 252, 255)), (64, (205, 222, 240)), where=c.hill(42, 2.5, 60, 0.1))
    for x, y in (
        (5, 6),
        (16, 3),
        (27, 8),
        (39, 4),
        (50, 9),
        (59, 5),
        (3, 20),
        (60, 21),
        (5, 33),
        (58, 34),
        (11, 13),
        (53, 15),
    ):
        c.disc(x, y, 1.5, (255, 255, 255))


def _night(c: Canvas) -> None:
    c.fade((0, (12, 16, 48)), (64, (44, 52, 110)))
    for x, y, r in (
        (5, 8, 1.2),
        (14, 4, 0.9),
        (23, 9, 1.0),
        (33, 4, 1.3),
        (43, 8, 0.9),
        (52, 3, 1.2),
        (60, 12, 1.0),
        (3, 24, 0.9),
        (61, 27, 1.2),
        (4, 41, 1.2),
        (60, 44, 0.9),
        (10, 55, 1.0),
        (24, 60, 1.2),
        (40, 59, 0.9),
        (54, 56, 1.2),
    ):
        c.disc(x, y, r, (255, 250, 210))


def _sea(c: Canvas) -> None:
    c.fade((0, (120, 195, 240)), (30, (200, 232, 250)))
    c.fade((28, (40, 130, 190)), (64, (10, 60, 120)), where=c.y > 28)
    for height, shift in ((36, 0.0), (45, 0.4), (54, 0.15)):
        line = c.hill(height, 1.3, 16, shift)
        c.fill(line & ~c.hill(height + 2, 1.3, 16, shift), (150, 205, 235), 0.75)


def _meadow(c: Canvas) -> None:
    c.fade((0, (110, 180, 245)), (40, (200, 230, 250)))
    c.fade((36, (120, 200, 80)), (64, (50, 140, 50)), where=c.hill(38, 2, 50, 0.3))
    for x, y, rgb in (
        (4, 48, (255, 235, 90)),
        (11, 57, (255, 255, 255)),
        (22, 60, (255, 140, 160)),
        (55, 50, (255, 255, 255)),
        (60, 59, (255, 235, 90)),
        (43, 60, (255, 140, 160)),
    ):
        c.disc(x, y, 1.5, rgb)


def _desert(c: Canvas) -> None:
    c.fade((0, (250, 200, 120)), (36, (255, 235, 190)))
    c.disc(55, 9, 5.5, (255, 245, 215))
    c.fade((30, (225, 170, 95)), (64, (200, 140, 70)), where=c.hill(38, 4, 70, 0.55))
    c.fade((44, (240, 190, 115)), (64, (215, 155, 80)), where=c.hill(51, 3.5, 55, 0.0))


def _forest(c: Canvas) -> None:
    c.fade((0, (30, 70, 50)), (64, (60, 110, 60)))
    for x in (3, 12, 21, 31, 41, 51, 60):
        c.fill((np.abs(c.x - x) < 1.6) & (c.y > 18) & (c.y < 54), (80, 55, 35))
        for top in (-2, 9):
            half = (c.y - top) * 0.36
            c.fill((np.abs(c.x - x) < half) & (c.y > top) & (c.y < top + 20), (20, 95, 45))
    c.fade((48, (70, 100, 45)), (64, (45, 75, 35)), where=c.hill(53, 1, 30, 0.2))


def _beach(c: Canvas) -> None:
    c.fade((0, (110, 200, 245)), (24, (190, 232, 250)))
    c.fade((22, (20, 150, 190)), (44, (90, 205, 210)), where=c.y > 22)
    c.fill(c.hill(40, 1.5, 40, 0.2), (250, 252, 250))
    c.fade((42, (250, 225, 165)), (64, (235, 195, 125)), where=c.hill(43, 1.5, 40, 0.2))
    c.disc(9, 9, 5.5, (255, 230, 90))


def _sunset(c: Canvas) -> None:
    c.fade((0, (70, 40, 110)), (22, (220, 80, 90)), (44, (255, 170, 70)))
    c.disc(32, 44, 15, (255, 225, 110))
    c.fade((44, (120, 50, 80)), (64, (50, 25, 60)), where=c.y > 44)
    for height in (48, 53, 58):
        c.fill((np.abs(c.y - height) < 0.8) & (np.abs(c.x - 32) < 60 - height), (255, 180, 90), 0.7)


def _space(c: Canvas) -> None:
    c.fade((0, (6, 4, 16)), (64, (18, 8, 36)))
    c.fill((c.x - 50) ** 2 / 500 + (c.y - 8) ** 2 / 120 + (c.x - 50) * (c.y - 8) / 400 < 1, (95, 40, 130), 0.45)
    c.fill((c.x - 8) ** 2 / 200 + (c.y - 58) ** 2 / 110 < 1, (30, 80, 150), 0.5)
    for x, y in ((4, 5), (18, 9), (36, 3), (60, 20), (3, 30), (61, 42), (20, 61), (35, 59), (50, 60), (28, 6)):
        c.disc(x, y, 0.9, (255, 255, 255))
    c.disc(9, 14, 4, (205, 120, 70))
    c.disc(10.5, 15, 2.6, (160, 85, 50))


def _underwater(c: Canvas) -> None:
    c.fade((0, (90, 205, 225)), (30, (20, 120, 175)), (64, (5, 45, 100)))
    for x in (10, 34, 56):
        c.fill(np.abs(c.x - x - (c.y - 20) * 0.25) < 3, (160, 230, 240), 0.28)
    c.fade((54, (200, 180, 120)), (64, (150, 130, 85)), where=c.hill(58, 1.2, 32, 0.1))
    for x, tall in ((4, 26), (9, 18), (56, 22), (61, 30)):
        c.fill((np.abs(c.x - x - 1.2 * np.sin(c.y / 3)) < 1.3) & (c.y > 60 - tall) & (c.y < 61), (20, 130, 70))
    for x, y, r in ((6, 22, 1.6), (59, 16, 1.9), (54, 27, 1.2), (11, 10, 1.3)):
        c.disc(x, y, r, (210, 245, 250))


def _room(c: Canvas) -> None:
    c.fill(c.y > -1, (232, 214, 188))
    for x in range(4, 64, 8):
        c.fill(np.abs(c.x - x) < 0.8, (218, 196, 166))
    c.fill((np.abs(c.x - 9) < 6.5) & (np.abs(c.y - 13) < 8), (255, 255, 255))
    c.fill((np.abs(c.x - 9) < 5.3) & (np.abs(c.y - 13) < 6.8), (150, 205, 240))
    c.fill((np.abs(c.x - 9) < 0.6) & (np.abs(c.y - 13) < 7), (255, 255, 255))
    c.fill((c.y > 44) & (c.y < 47), (250, 245, 235))
    c.fade((47, (175, 115, 65)), (64, (140, 85, 45)), where=c.y > 47)
    for y in (52, 57.5):
        c.fill(np.abs(c.y - y) < 0.5, (115, 68, 35))


def _street(c: Canvas) -> None:
    c.fade((0, (170, 200, 225)), (40, (225, 232, 238)))
    for left, right, top, rgb in (
        (0, 11, 10, (170, 95, 80)),
        (11, 20, 20, (120, 130, 150)),
        (20, 32, 6, (190, 160, 125)),
        (32, 43, 16, (140, 110, 130)),
        (43, 53, 8, (110, 135, 140)),
        (53, 64, 18, (185, 120, 85)),
    ):
        c.fill((c.x > left) & (c.x < right) & (c.y > top) & (c.y < 48), rgb)
        windows = ((c.x - left) % 4 > 1.5) & ((c.x - left) % 4 < 3.3) & ((c.y - top) % 6 > 2) & ((c.y - top) % 6 < 4.5)
        c.fill(windows & (c.x > left) & (c.x < right - 1) & (c.y > top) & (c.y < 42), (255, 235, 170))
    c.fill(c.y > 46, (190, 190, 190))
    c.fill(c.y > 49, (70, 72, 78))
    c.fill((np.abs(c.y - 57) < 1) & (c.x % 16 < 9), (245, 245, 240))


SETTINGS: dict[str, Callable[[Canvas], None]] = {
    "snow": _snow,
    "night": _night,
    "sea": _sea,
    "meadow": _meadow,
    "desert": _desert,
    "forest": _forest,
    "beach": _beach,
    "sunset": _sunset,
    "space": _space,
    "underwater": _underwater,
    "room": _room,
    "street": _street,
}
GROUNDS = (*COLOURS, *SETTINGS)


def ground(name: str, scale: int = 1) -> np.ndarray:
    """[64 · scale, 64 · scale, 3] uint8."""
    side = 64 * scale
    if name in COLOURS:
        return np.broadcast_to(np.array(COLOURS[name], dtype=np.uint8), (side, side, 3))
    canvas = Canvas(side * SUPERSAMPLE)
    SETTINGS[name](canvas)
    fine = canvas.rgb.reshape(side, SUPERSAMPLE, side, SUPERSAMPLE, 3)
    return np.rint(fine.mean((1, 3))).astype(np.uint8)
