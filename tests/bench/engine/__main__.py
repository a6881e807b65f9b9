"""`python -m tests.bench.engine [FIGURE …]`: measure and print, as rows of a Markdown table.

Each figure is a module of this package with `measure() → Iterator[Figure]`.
"""

import argparse
import warnings
from importlib import import_module
from pathlib import Path

from tests.bench.engine.report import HEADER, machine, row, this_card

FIGURES = (
    "step",
    "full",
    "gpu",
    "upscale",
    "adherence",
    "determinism",
    "memory",
    "redraw",
    "satisfied",
    "negative",
    "check",
    "understood",
    "bare",
)
COUNTED = ("satisfied", "negative", "bare", "full", "pareto", "schedule", "halves", "steered")
OF_SETS = ("pareto", "schedule", "steered")
# run only if named
LONG = ("picturebook", "judge", "resumed", "family", "oracle", "pareto", "schedule", "halves", "steered")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.engine", description="Measure what docs/benchmarks.md says."
    )
    parser.add_argument(
        "figures", nargs="*", metavar="FIGURE", help=f"any of {', '.join(FIGURES)} (all by default), {', '.join(LONG)}"
    )
    parser.add_argument(
        "--pictures", type=int, metavar="N", help=f"fewer of them (or rounds), for {', '.join(COUNTED)}"
    )
    parser.add_argument("--fewer", type=int, metavar="N", help="picturebook: only the first N prompts of each row")
    parser.add_argument("--rows", nargs="+", help="picturebook: only rows whose names begin so, or cost")
    parser.add_argument("--sets", nargs="+", help=f"only these of the embedded ones, for {', '.join(OF_SETS)}")
    parser.add_argument("--seed", type=int, metavar="N", help="judge: pictures of another seed")
    parser.add_argument("--write", type=Path, metavar="FILE", help="where there is a GPU, also at the end of this page")
    args = parser.parse_args()
    chosen = args.figures or FIGURES
    if unknown := [name for name in chosen if name not in (*FIGURES, *LONG)]:
        parser.error(f"there is no figure {unknown[0]!r}: choose from {', '.join((*FIGURES, *LONG))}")
    warnings.filterwarnings("ignore", category=FutureWarning, module="guided_diffusion")  # it is older than torch 2
    print(HEADER, flush=True)
    page = args.write if args.write and this_card() else None
    write(page, f"\n## On {machine()}\n\n{HEADER}\n")
    for name in chosen:
        fewer = {"pictures": args.pictures} if args.pictures and name in COUNTED else {}
        fewer |= {"sets": args.sets} if args.sets and name in OF_SETS else {}
        fewer |= {"seed": args.seed} if args.seed is not None and name == "judge" else {}
        if name == "picturebook":
            fewer = {"fewer": args.fewer, "chosen": args.rows}
        for figure in import_module(f"tests.bench.engine.{name}").measure(**fewer):
            print(line := row(figure, machine()), flush=True)
            write(page, f"{line}\n")


def write(page: Path | None, text: str) -> None:
    """At the end of the page, at once: a card that is lent may be taken away."""
    if page is not None:
        with open(page, "a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
