"""learns a small byte-pair vocabulary and writes it in open_clip's file format.

Sennrich et al. 2016 (arXiv 1508.07909), on bytes, so that any word of any language has tokens.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.networks.imports import import_open_clip

import_open_clip()

from open_clip.tokenizer import bytes_to_unicode  # noqa: E402

WORD = re.compile(r"[^\W\d_]+|\d|[^\w\s]+")

Pair = tuple[str, str]


def learn_merges(texts: Iterable[str], count: int) -> list[Pair]:
    """The `count` most useful merges, best first; fewer when the texts hold no more."""
    table = bytes_to_unicode()
    counts = Counter(word for text in texts for word in WORD.findall(text.lower()))
    words: dict[tuple[str, ...], int] = {}
    for word, times in counts.items():
        symbols = [table[byte] for byte in word.encode()]
        words[(*symbols[:-1], symbols[-1] + "</w>")] = times
    merges: list[Pair] = []
    while len(merges) < count:
        pairs: Counter[Pair] = Counter()
        for symbols, times in words.items():
            for pair in zip(symbols, symbols[1:], strict=False):
                pairs[pair] += times
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = {_merge(symbols, best): times for symbols, times in words.items()}
    return merges


def _merge(symbols: tuple[str, ...], pair: Pair) -> tuple[str, ...]:
    out: list[str] = []
    for symbol in symbols:
        if out and (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return tuple(out)


def write_vocabulary(merges: list[Pair], path: Path) -> int:
    """Write the gzip file, the same bytes each time; returns the vocabulary's size with bytes and marks."""
    text = "\n".join(["#version: toybox", *(" ".join(pair) for pair in merges)])
    with open(path, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(text.encode())
    return 2 * 256 + len(merges) + 2
