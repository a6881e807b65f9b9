"""what becomes of a finished picture that may show what must not be shown: it is shown, hidden or withheld."""

import logging
from dataclasses import dataclass
from enum import StrEnum

from bot.log import event

log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """On one picture."""

    SHOW = "show"
    SPOILER = "spoiler"  # behind a click
    WITHHOLD = "withhold"  # not at all, nor kept


@dataclass(frozen=True, kw_only=True)
class PictureCheck:
    """Decides by the engine's score; without a check everything is shown."""

    check: str = ""  # what must not be shown; empty for no check
    threshold: float = 1.0  # score from which on it counts as shown
    action: Verdict = Verdict.SPOILER

    @property
    def unfinished(self) -> Verdict:
        """What holds for previews and partial pictures, which have no score."""
        return self.action if self.check else Verdict.SHOW

    def of(self, job: int, score: float | None) -> Verdict:
        """The verdict on a job's picture, logged with the score; a picture without one is not trusted."""
        if not self.check:
            return Verdict.SHOW
        verdict = self.action if score is None or score >= self.threshold else Verdict.SHOW
        told = "none" if score is None else round(score, 4)
        event(log, "checked", job=job, score=told, threshold=self.threshold, verdict=verdict)
        return verdict
