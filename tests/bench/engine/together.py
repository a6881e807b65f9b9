"""`python -m tests.bench.engine.together`: pictures a minute drawn together, against one by one, by batch size.

The guided step of every width is measured in turns, so that what disturbs the machine disturbs all of them.
"""

import argparse
import statistics

from engine.drawing.measure import step_seconds
from engine.drawing.models import choose_device, load_models
from engine.drawing.pace import blank_models
from engine.model_sets.weights import load_model_set
from engine.widths import WIDTHS
from tests.bench.engine.report import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="toybox")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument(
        "--random", action="store_true", help="random weights, where the published ones are not at hand"
    )
    args = parser.parse_args()
    description = load_model_set(args.models)
    models = blank_models(description, choose_device()) if args.random else load_models(args.models, choose_device())
    steps = description.defaults.steps
    measured: dict[int, list[float]] = {width: [] for width in (1, *args.widths)}
    for _ in range(args.rounds):
        for width, seconds in measured.items():
            if (taken := step_seconds(models, width)) is not None:
                seconds.append(taken)
    print(f"{args.models}, {machine()}")
    alone = 60 / (statistics.median(measured[1]) * steps)
    for width, seconds in measured.items():
        if not seconds:
            print(f"{width} at once: no room in memory")
            continue
        pace = 60 * width / (statistics.median(seconds) * steps)
        print(f"{width} at once: {pace:.3g} pictures a minute of {steps} guided steps, {pace / alone:.2f} x one by one")


if __name__ == "__main__":
    main()
