"""the verdict on a finished picture by its NSFW score (or other CLIP check): show, spoiler or withhold."""

import logging
from dataclasses import dataclass
from enum import StrEnum

from bot.log import event

log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """The verdict on one picture."""

    SHOW = "show"
    SPOILER = "spoiler"  # behind a click
    WITHHOLD = "withhold"  # neither shown nor kept


@dataclass(frozen=True, kw_only=True)
class PictureCheck:
    """Decides by the engine's score; without a check everything is shown."""

    check: str = ""  # texts of unwanted content; empty for no check
    threshold: float = 1.0  # scores from here on count as unwanted
    action: Verdict = Verdict.SPOILER

    @property
    def unfinished(self) -> Verdict:
        """The verdict on previews and partial pictures, which have no score."""
        return self.action if self.check else Verdict.SHOW

    def of(self, job: int, score: float | None) -> Verdict:
        """The verdict on a job's picture, logged with the score; a missing score counts as unwanted."""
        if not self.check:
            return Verdict.SHOW
        verdict = self.action if score is None or score >= self.threshold else Verdict.SHOW
        told = "none" if score is None else round(score, 4)
        event(log, "checked", job=job, score=told, threshold=self.threshold, verdict=verdict)
        return verdict
