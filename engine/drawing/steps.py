"""a batch drawn together, step by step: what it begins with, what it is pulled towards, how strongly when."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.cutouts import cut, random_crops, value_at
from engine.diffusion.denoisers import pulled_by, symmetric
from engine.diffusion.guidance import Guide, Phase, Pull, Target, guided_together
from engine.diffusion.levels import levels_at
from engine.diffusion.noise import Stream, per_picture, perlin, uniform
from engine.diffusion.samplers import Prediction, Step, Walk
from engine.diffusion.schedule import Levels
from engine.diffusion.solver import SolverWalk
from engine.drawing.canvas import drawn_size, mirror_axes
from engine.drawing.models import Models
from engine.drawing.reading import prompts_of
from engine.drawing.workload import usual_steps
from engine.model_sets.weights import Defaults
from engine.networks.clip import Clip
from engine.pictures.images import to_tensor
from engine.pictures.inputs import WeightedPictures
from engine.prompts import Part, normalise, parse_prompt
from engine.ramps import parse_ramp
from engine.request import RAMPS, SOLVER, Request
from engine.steering import Change, parse_then, prompts_over, shares_at

OPEN = (  # what a set has defaults for
    *("steps", "sampler", "eta", "guidance_scale", "tv_scale", "range_scale", "cuts"),
    *("gradient_at", "guide_every"),
)
MOST_STEPS = 1000
INIT = 0.5  # share kept of an init picture where the request does not say
BLOTS = 0.2  # root of the share of variance that Perlin noise has where a drawing starts with it
X0_FROM = 0.3  # ᾱ from which `gradient_at="both"` takes x0: there the picture is decided, and ∂x0/∂x nearly a number
TARGET_CUTS = 16  # crops of a picture that pulls; the notebooks take as many as of the drawing

Seeds = list[tuple[int, int]]  # (seed, picture) of each row of a batch


def resolve_defaults(request: Request, defaults: Defaults, *, has_init: bool = False) -> Request:
    """The request with every open knob set as the model set says."""
    known = {name: getattr(defaults, name) for name in OPEN} | ({"init": INIT} if has_init else {})
    known["steps"] = max(1, min(MOST_STEPS, round(usual_steps(request, defaults))))
    return replace(request, **{name: value for name, value in known.items() if getattr(request, name) is None})


def seeds_of(requests: list[Request]) -> Seeds:
    """Every picture of every request, each with a noise of its own."""
    return [(request.seed, picture) for request in requests for picture in range(request.count)]


def first_noise(models: Models, requests: list[Request]) -> Tensor:
    """What every drawing begins with, [n, 3, h, w]; requests agree on size and start."""
    width, height = drawn_size(requests[0], models.description)
    seeds = seeds_of(requests)
    noise = per_picture(seeds, Stream.START, 0, (3, height, width))
    if requests[0].start == "perlin":
        blots = torch.stack([perlin(seed, picture, height, width) for seed, picture in seeds])
        noise = math.sqrt(1 - BLOTS**2) * noise + BLOTS * blots
    return noise.to(models.device)


def beginning(models: Models, request: Request, init: np.ndarray | None) -> tuple[Tensor, int]:
    """(x, index of its level): noise, or an init picture [h, w, 3] noised to the level that the skipped steps reach."""
    x, index = first_noise(models, [request]), request.steps - 1
    if init is None:
        return x, index
    index -= min(index, round(request.init * request.steps))
    level = float(levels_of(models, request).alphas_cumprod[index])
    return math.sqrt(level) * to_tensor(init).to(x) + math.sqrt(1 - level) * x, index


def levels_of(models: Models, request: Request) -> Levels:
    """The noise levels that a resolved request walks down."""
    return Levels(models.description.unet["schedule"], request.steps, spacing=models.description.defaults.spacing)


def targets_of(
    models: Models, prompts: list[str], pictures: WeightedPictures | None = None, seeds: Seeds | None = None
) -> list[Target]:
    """One Target for each CLIP of the set.

    Args:
        prompts: one for each picture of the batch.
        pictures: what all of them are pulled towards beside it.
        seeds: of each picture of the batch; say where `pictures` are looked at.
    """
    pictures, seeds = pictures or [], seeds or [(0, 0)] * len(prompts)
    parts = [normalise([*parse_prompt(prompt), *(Part("", weight) for _, weight in pictures)]) for prompt in prompts]
    texts = [of_row[: len(of_row) - len(pictures)] for of_row in parts]
    longest = max(len(of_row) for of_row in texts)
    targets = []
    for clip, share in models.clips:
        weights, rows = torch.zeros(len(parts), longest + TARGET_CUTS * len(pictures)), []
        for n, (of_row, words) in enumerate(zip(parts, texts, strict=True)):
            spoken = [part.text for part in words]
            looks = [_looks(models, clip, picture, seeds[n], k) for k, (picture, _) in enumerate(pictures)]
            rows.append(torch.cat([clip.encode_texts(spoken + [spoken[0]] * (longest - len(spoken))), *looks]))
            shares = [part.weight / TARGET_CUTS for part in of_row[len(words) :] for _ in range(TARGET_CUTS)]
            weights[n, : len(words)] = torch.tensor([share * part.weight for part in words])
            weights[n, longest:] = torch.tensor([share * weight for weight in shares])
        targets.append(Target(clip=clip, embeddings=torch.stack(rows), weights=weights.to(models.device)))
    return targets


def joined_targets(parts: list[tuple[list[Target], float]]) -> list[Target]:
    """Several pulls as one, each with its share."""
    if len(parts) == 1:
        return parts[0][0]
    return [
        Target(
            clip=of_clip[0].clip,
            embeddings=torch.cat([target.embeddings for target in of_clip], dim=1),
            weights=torch.cat(
                [target.weights * share for target, (_, share) in zip(of_clip, parts, strict=True)], dim=1
            ),
        )
        for of_clip in zip(*(targets for targets, _ in parts), strict=True)
    ]


@torch.no_grad()
def _looks(models: Models, clip: Clip, pixels: np.ndarray, seed: tuple[int, int], number: int) -> Tensor:
    """CLIP's points of crops of a picture [h, w, 3], [TARGET_CUTS, d]; its `number` names the crops."""
    picture = ((to_tensor(pixels) + 1) / 2)[None].to(models.device)  # 1 3 h w
    drawn = uniform(*seed, Stream.TARGETS, number, (TARGET_CUTS, 3))[None]
    defaults = models.description.defaults
    crops = random_crops(drawn, *picture.shape[-2:], defaults.smallest_cut, value_at(defaults.cut_power, 0.0))
    points = clip.encode_images(cut(picture, crops, clip.side)[0])
    return torch.nn.functional.normalize(points, dim=-1)


_ramp = lru_cache(maxsize=64)(parse_ramp)  # those of the drawings that are drawn now


def _at(knob: float | str | None, percent: float) -> float:
    """What a number or a ramp is when so much of the drawing is done."""
    return _ramp(knob).at(percent) if isinstance(knob, str) else knob or 0.0


def pull_at(models: Models, request: Request, seeds: Seeds, percent: float, level: float = 0.0) -> Pull:
    """How strongly a resolved request pulls when so much of the drawing is done, at an ᾱ of `level`."""
    fixed = {
        name: getattr(models.description.defaults, name)
        for name in ("cut_power", "smallest_cut", "from_level", "largest_shift", "overview", "grey")
    }
    scales = {name: _at(getattr(request, name), percent) for name in RAMPS}
    return Pull(
        **{**scales, "cuts": round(scales["cuts"])},
        clamp=request.clamp or math.inf,
        seeds=seeds,
        at_x0=request.gradient_at == "x0" or (request.gradient_at == "both" and level >= X0_FROM),
        until_level=until_level_of(models, request),
        **fixed,
    )


def until_level_of(models: Models, request: Request) -> float:
    """ᾱ where the pull ends; a drawing that begins from a picture may have nothing but the late steps, so 1 there."""
    return models.description.defaults.until_level if request.init is None else 1.0


def fresh_until_level_of(models: Models, request: Request) -> float:
    """ᾱ where fresh noise ends; it does not where the pull does not: what is pulled late needs noise to move in."""
    return models.description.defaults.fresh_until_level if request.init is None else 1.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a drawing asks of the networks for its next step."""

    x: Tensor  # [n, 3, h, w], its pictures
    t: Tensor  # [n] on the CPU
    targets: list[Target]
    pull: Pull
    phase: Phase
    early: bool  # whether the network of the early steps answers, in a set that has one

    @property
    def key(self) -> tuple[object, ...]:
        """Questions can be answered by one call where this is equal: it is all that shapes the networks' tensors."""
        crops = self.phase == "free" or (self.pull.cuts, self.pull.at_x0)
        return self.x.shape[1:], self.phase, crops, self.early, self.t.dtype

    def rows(self) -> "list[Question]":
        """What is asked of each picture alone."""
        return [self._row(slice(k, k + 1)) for k in range(len(self.x))]

    def _row(self, mine: slice) -> "Question":
        targets = [
            replace(target, embeddings=target.embeddings[mine], weights=target.weights[mine]) for target in self.targets
        ]
        pull = replace(self.pull, seeds=self.pull.seeds[mine])
        return replace(self, x=self.x[mine], t=self.t[mine], targets=targets, pull=pull)


class Course:
    """The steps of one drawing: what it asks at each, and what it makes of the answer."""

    def __init__(
        self,
        models: Models,
        requests: list[Request],
        walk: Walk | SolverWalk,
        pictures: WeightedPictures,
        changes: tuple[Change, ...] = (),
        taken: int = 0,
    ) -> None:
        """The requests are resolved, and agree on everything but prompt, seed and count.

        Args:
            walk: with a row for each picture of each request.
            pictures: what all of them are pulled towards beside their prompts.
            changes: what was said on the way, beside what the requests say.
            taken: steps that are done.
        """
        self._models, self._requests, self.walk, self._pictures = models, requests, walk, pictures
        self._request, self._seeds = requests[0], seeds_of(requests)
        self._encoded: dict[tuple[str, ...], list[Target]] = {}  # by the prompts of the requests
        self.changes, self._taken = changes, taken
        early = models.description.early
        self._early_from = math.inf if early is None else early["from_timestep"]
        self._schedule = models.description.unet["schedule"]

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is said on the way, in the order of the steps; a later one may be added at any time."""
        return self._changes

    @changes.setter
    def changes(self, said: tuple[Change, ...]) -> None:
        self._changes = said
        of_each = [prompts_over(request.prompt, said, request.steps) for request in self._requests]
        self._prompts = [(at[0][0], tuple(prompt for _, prompt in at)) for at in zip(*of_each, strict=True)]

    def _targets(self, step: int) -> list[Target]:
        """What pulls before a step: one prompt for each picture, or two while one goes over into the next."""
        shares = shares_at([since for since, _ in self._prompts], step, self._request.steps)
        return joined_targets([(self._encode(self._prompts[number][1]), share) for number, share in shares])

    def _encode(self, prompts: tuple[str, ...]) -> list[Target]:
        if prompts not in self._encoded:
            alone = self._request.init is None and not self._pictures
            said = [replace(each, prompt=text, then=None) for each, text in zip(self._requests, prompts, strict=True)]
            read = [text for each in said for text in prompts_of(self._models.description, each, alone=alone)]
            self._encoded[prompts] = targets_of(self._models, read, self._pictures, self._seeds)
        return self._encoded[prompts]

    def question(self) -> Question:
        """What has to be answered before the next step."""
        last, t = max(1, self._request.steps - 1), self.walk.t
        levels, percent = levels_at(self._schedule, t).float(), 100 * (last - self.walk.index) / last
        pull = pull_at(self._models, self._request, self._seeds, percent, float(levels.min()))
        every = self._request.guide_every or 1
        scale = 0.0 if self._taken % every else every * pull.guidance_scale
        pull = pull if every == 1 else replace(pull, guidance_scale=scale)
        return Question(
            x=self.walk.x,
            t=t,
            targets=self._targets(self._request.steps - 1 - self.walk.index),
            pull=pull,
            phase=pull.phase(levels),
            early=bool((t >= self._early_from).any()),
        )

    def advance(self, answer: Prediction) -> Step:
        """Take the step that the answer leads to."""
        if self._request.symmetry is not None:
            axes = tuple(axis - 2 for axis in mirror_axes(self._request.symmetry))
            schedule = self._models.description.unet["schedule"]
            answer = symmetric(lambda x, t: answer, axes, schedule)(self.walk.x, self.walk.t)
        self._taken += 1
        step = self.walk.advance(answer)
        return replace(step, index=self.walk.index + 1)


def answers(models: Models, questions: list[Question], width: int) -> list[Prediction]:
    """One call of the networks for questions of the same key, made up to `width` pictures with copies of the first.

    What a picture's answer is depends on the width, and not on the other questions. Where a call takes only one picture
    with profit, each has a call of its own.
    """
    if models.widest_call == 1 < width:
        return [_answer_by_row(models, question) for question in questions]
    return _call(models, questions, width)


def _answer_by_row(models: Models, question: Question) -> Prediction:
    """Each picture of a drawing in a call of its own, all in the phase that the drawing is in."""
    found = [_call(models, [row], 1)[0] for row in question.rows()]
    parts = {at.name: [getattr(each, at.name) for each in found] for at in fields(Prediction)}
    return Prediction(**{name: None if part[0] is None else torch.cat(part) for name, part in parts.items()})


def _call(models: Models, questions: list[Question], width: int) -> list[Prediction]:
    """The networks' answers, [n, …] of each question."""
    rows, after = [], 0
    for question in questions:
        rows.append(slice(after, after := after + len(question.x)))
    filling = [0] * (width - after)
    x, t = (torch.cat([getattr(question, name) for question in questions]) for name in ("x", "t"))
    if filling:
        x, t = (torch.cat([tensor, tensor[filling]]) for tensor in (x, t))
    guides = [
        Guide(targets=question.targets, pull=question.pull, rows=mine)
        for question, mine in zip(questions, rows, strict=True)
    ]
    schedule, phase = models.description.unet["schedule"], questions[0].phase
    denoise = guided_together(models.secondary or models.denoise, guides, schedule, phase)
    if models.secondary is not None:
        denoise = pulled_by(models.denoise, denoise)
    found = denoise(x, t)
    if len(questions) == 1 and not filling:
        return [found]
    parts = {at.name: getattr(found, at.name) for at in fields(Prediction)}
    return [Prediction(**{name: None if part is None else part[mine] for name, part in parts.items()}) for mine in rows]


def course_of(
    models: Models,
    requests: list[Request],
    x: Tensor,
    start: int,
    pictures: WeightedPictures | None = None,
    changes: tuple[Change, ...] | None = None,
    memory: dict[str, Tensor] | None = None,
    taken: int = 0,
) -> Course:
    """The way of a drawing; all requests are resolved and agree on everything but prompt, seed and count.

    Args:
        x: [n, 3, h, w] at level `start`, a row for each picture of each request.
        start: index of the level to go on from.
        pictures: what they are pulled towards beside their prompts.
        changes: what is said on the way; by default what the first request says beforehand.
        memory: what the walk's `memory` said when it was left.
        taken: steps that are done.
    """
    request, seeds, shape = requests[0], seeds_of(requests), tuple(x.shape[1:])
    if changes is None:
        changes = parse_then(request.then) if request.then else ()
    levels, schedule = levels_of(models, request), models.description.unet["schedule"]

    def fresh(k: int) -> Tensor:
        return per_picture(seeds, Stream.STEP, k, shape)

    if request.sampler == SOLVER:
        at = float(levels.timesteps[start])
        walk: Walk | SolverWalk = SolverWalk(
            x, fresh, schedule, steps=request.steps, eta=request.eta, start=at, memory=memory
        )
    else:
        limit = fresh_until_level_of(models, request)
        walk = Walk(x, fresh, levels, sampler=request.sampler, eta=request.eta, start=start, fresh_until_level=limit)
    return Course(models, requests, walk, pictures or [], changes, taken)


def steps_of(
    models: Models, requests: list[Request], x: Tensor, start: int, pictures: WeightedPictures | None = None
) -> Iterator[Step]:
    """Take all steps of `course_of`, each picture a row of every call."""
    course = course_of(models, requests, x, start, pictures)
    while not course.walk.done:
        yield course.advance(answers(models, [course.question()], len(x))[0])
