"""one guided step of the full-size 256 network with random weights: ours against the 2021 notebooks' loops, and memory.

The shapes of the set imagenet256, so that it costs what the real one costs; nobody has to have the
weights. DDIM without fresh noise, so that all three must arrive at the same place, which is told.
On a CPU the notebooks' loops run in float32, as they did; ours in what the product chooses there.
"""

import ctypes
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.diffusion.cutouts import cut
from engine.diffusion.denoisers import network_denoiser, pulled_by, secondary_denoiser
from engine.diffusion.guidance import Pull, Target, add_guidance, seeded_cutter
from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.samplers import Denoise, sample
from engine.diffusion.schedule import Levels
from engine.drawing.models import choose_device
from engine.model_sets.weights import ModelSet, load_model_set
from engine.networks.clip import Clip, ClipConfig
from engine.networks.secondary import SecondaryNet
from engine.networks.tuning import PLAIN, Tuning, choose_tuning, tune
from engine.networks.unet import UNet, UNetConfig, in_precision
from tests.bench.engine.notebook import Notebook, guided_diffusion_unet, spaced_diffusion
from tests.bench.engine.report import Figure, at_most, peak_memory, this_card
from tests.bench.engine.step import PROMPT, boxes_at

INDEX = 500  # of 1000 noise levels
ROUNDS = 2  # after one that warms up, in which memory is measured
CPU_BARS = {torch.float32: 0.63, torch.bfloat16: 0.35}  # ours ÷ mid-2021 notebook, by the precision of ours
GPU_BAR, FINAL_BAR, AT_X0_BAR = 0.72, 1.0, 0.2
AT_X0 = "ours, gradient at x0"
TFLOP = {
    "mid-2021 notebook": 7.84,
    "final notebook": 5.60,
    "ours": 5.60,
    AT_X0: 3.4,
}  # a step, by the layers of the networks
ROOM = 16_000_000_000  # bytes of memory on a CPU
SECONDARY = "a step guided through the secondary network"
Contender = Callable[[], Tensor]


def random_unet(description: ModelSet, seed: int = 0) -> UNet:
    """The U-Net of a set with weights that keep the size of what flows through it; none is zero."""
    shape = dict(description.unet["shape"])
    for name in ("attention_resolutions", "channel_mult"):
        shape[name] = tuple(shape[name])
    with torch.device("meta"):
        unet = UNet(UNetConfig(**shape))
    source = torch.Generator().manual_seed(seed)

    def drawn(name: str, like: Tensor) -> Tensor:
        if like.dim() == 1:
            return torch.randn(like.shape, generator=source) * 0.02 + (1.0 if _is_norm(unet, name) else 0.0)
        return torch.randn(like.shape, generator=source) * 0.7 / like[0].numel() ** 0.5

    unet.load_state_dict({name: drawn(name, like) for name, like in unet.state_dict().items()}, assign=True)
    return unet.eval().requires_grad_(False)


def _is_norm(unet: nn.Module, name: str) -> bool:
    module, _, parameter = name.rpartition(".")
    return parameter == "weight" and isinstance(unet.get_submodule(module), nn.GroupNorm)


def random_clip(description: ModelSet, device: torch.device, tuning: Tuning = PLAIN, *, optimized: bool = True) -> Clip:
    """The first CLIP of a set, with the same random weights at each call."""
    table = description.clips[0]
    torch.manual_seed(0)
    return Clip(
        ClipConfig(model=table["model"], mean=tuple(table["mean"]), std=tuple(table["std"])),
        None,
        device,
        optimized=optimized,
        tuning=tuning,
    )


def beginning(description: ModelSet) -> Tensor:
    """Noise, [1, 3, side, side]."""
    return per_picture([(0, 0)], Stream.START, 0, (3, description.side, description.side))


def pull_of(description: ModelSet) -> Pull:
    """As the set's defaults say."""
    defaults = description.defaults
    return Pull(
        guidance_scale=defaults.guidance_scale,
        tv_scale=defaults.tv_scale,
        range_scale=defaults.range_scale,
        cuts=defaults.cuts,
        cut_power=defaults.cut_power,
        smallest_cut=defaults.smallest_cut,
        seeds=[(0, 0)],
    )


def guidance(
    description: ModelSet, clip: Clip, embeddings: Tensor, *, at_x0: bool = False
) -> Callable[[Denoise], Denoise]:
    """What makes a denoiser one that is pulled towards a text, [1, d]."""
    target = Target(clip=clip, embeddings=embeddings[None], weights=torch.ones(1, 1, device=embeddings.device))
    pull = replace(pull_of(description), at_x0=at_x0)
    return lambda denoise: add_guidance(denoise, [target], pull, description.unet["schedule"])


def stepping(description: ModelSet, denoise: Denoise, x: Tensor) -> Contender:
    """Our sampler's step from INDEX, without fresh noise."""
    levels = Levels(description.unet["schedule"], description.defaults.steps)
    return lambda: next(sample(denoise, x, lambda i: torch.zeros_like(x), levels, eta=0.0, start=INDEX)).x


def contenders(description: ModelSet, device: torch.device) -> tuple[dict[str, Contender], dict[str, Contender]]:
    """(the loops, what ours is made of), all with the same weights, which each has in its own layout and precision."""
    defaults = description.defaults
    tuning = choose_tuning(device, description.unet["shape"]["model_channels"])
    unet = in_precision(random_unet(description), tuning.precision)
    with torch.device("meta"):
        theirs = guided_diffusion_unet(unet.config)
    unet = tune(unet, tuning, device)
    plain_layout = {name: tensor.float().contiguous() for name, tensor in unet.state_dict().items()}
    theirs.load_state_dict(plain_layout, assign=True)
    if device.type != "cpu":
        in_precision(theirs, tuning.precision).dtype = tuning.precision
    clip = random_clip(description, device, tuning)
    plain = random_clip(description, device, PLAIN if device.type == "cpu" else tuning, optimized=False)
    embeddings = clip.encode_texts([PROMPT])
    pull, guide = pull_of(description), guidance(description, clip, embeddings)
    x = beginning(description).to(device)
    levels = Levels(description.unet["schedule"], defaults.steps)
    denoise = network_denoiser(unet, objective="eps", schedule=description.unet["schedule"], learned_variance=True)
    notebook = Notebook(
        diffusion=spaced_diffusion(description.unet["schedule"], defaults.steps, learned_variance=True),
        model=theirs,
        encode_image=plain.encode_images,
        side=plain.side,
        target_embeds=embeddings,
        weights=torch.ones(1, device=device),
        clip_guidance_scale=pull.guidance_scale,
        tv_scale=pull.tv_scale,
        range_scale=pull.range_scale,
    )
    at = int(levels.timesteps[INDEX])
    crops, boxes = seeded_cutter(pull)(torch.tensor([at]), x), boxes_at(pull, x, at)
    pictures = cut((x + 1) / 2, crops, clip.side).flatten(0, 1)
    t = torch.tensor([at])

    small = secondary_denoiser(SecondaryNet().requires_grad_(False).to(device), description.unet["schedule"])

    def through(function: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
        given = given.detach().requires_grad_()
        return torch.autograd.grad(function(given).sum(), given)[0]

    return (
        {
            "mid-2021 notebook": lambda: notebook.two_forwards(x, INDEX, boxes, eta=0.0),
            "final notebook": lambda: notebook.shared_forward(x, INDEX, boxes, eta=0.0),
            "ours": stepping(description, guide(denoise), x),
            AT_X0: stepping(description, guidance(description, clip, embeddings, at_x0=True)(denoise), x),
        },
        {
            "U-Net forward and backward": lambda: through(lambda x: denoise(x, t).x0, x),
            "CLIP forward and backward": lambda: through(clip.encode_images, pictures),
            SECONDARY: stepping(description, pulled_by(denoise, guide(small)), x),
        },
    )


def measure(pictures: int = ROUNDS) -> Iterator[Figure]:
    """Agreement, memory, seconds, the ratios that have bars, shares; on a GPU what part of its peak that is.

    Args:
        pictures: rounds.
    """
    device, description = choose_device(), load_model_set("imagenet256")
    precision = choose_tuning(device, description.unet["shape"]["model_channels"]).precision
    name = f"full-size 256 network, random weights, ours in {str(precision).removeprefix('torch.')}"
    if device.type == "cpu" and (free := available()) < ROOM:
        yield Figure(name=name, value=f"not measured: needs {ROOM / 1e9:.0f} GB of memory, {free / 1e9:.1f} are free")
        return
    loops, parts = contenders(description, device)
    results, peaks = {}, {}
    for loop, step in loops.items():
        peaks[loop], results[loop] = peak_of(step, device)
        yield Figure(name=f"{name}: peak memory of a step, {loop}", value=f"{peaks[loop] / 2**20:.0f} MiB")
    yield at_most(f"{name}: peak memory, ours ÷ mid-2021 notebook", peaks["ours"] / peaks["mid-2021 notebook"], 1.0)
    final = results["final notebook"]
    moved = (final - beginning(description).to(final)).norm()
    apart, theirs = ((results[loop] - final).norm() / moved for loop in ("ours", "mid-2021 notebook"))
    yield Figure(
        name=f"{name}: how far ours ends from the final notebook, of the way that the step goes",
        value=f"{apart:.1e} (the two notebooks from each other: {theirs:.1e})",
    )
    times: dict[str, list[tuple[float, float]]] = {loop: [] for loop in loops}
    for round_ in range(pictures):
        for loop in list(loops) if round_ % 2 else list(loops)[::-1]:
            times[loop].append(timed(loops[loop]))
    medians = {
        loop: tuple(statistics.median(column) for column in zip(*rows, strict=True)) for loop, rows in times.items()
    }
    for loop, (wall, processor) in medians.items():
        yield Figure(
            name=f"{name}: one guided step, {loop}",
            value=f"{wall:.2f} s ({processor:.2f} s of processor time), {TFLOP[loop] / wall:.2f} TFLOP/s"
            + share_of_peak(TFLOP[loop] / wall),
        )
    bar = CPU_BARS.get(precision, GPU_BAR) if device.type == "cpu" else GPU_BAR
    for loop, other, most in (
        ("ours", "mid-2021 notebook", bar),
        (AT_X0, "mid-2021 notebook", AT_X0_BAR),
        ("ours", "final notebook", FINAL_BAR),
    ):
        wall, processor = (mine / his for mine, his in zip(medians[loop], medians[other], strict=True))
        figure = at_most(f"{name}: one guided step, {loop} ÷ {other}", wall, most)
        yield replace(
            figure, value=f"{figure.value} (processor time, which a busy machine disturbs less: {processor:.3f})"
        )
    secondary = parts.pop(SECONDARY)
    peak, _ = peak_of(secondary, device)
    yield Figure(
        name=f"{name}: peak memory of a step guided through the secondary network", value=f"{peak / 2**20:.0f} MiB"
    )
    for part, step in {**parts, SECONDARY: secondary}.items():
        wall, processor = timed(step)
        yield Figure(
            name=f"{name}: {part}",
            value=f"{wall:.2f} s, {100 * processor / medians['ours'][1]:.0f} % of ours in processor time",
        )


def available() -> int:
    """Bytes of memory that can be had without swapping; enough where nobody can say."""
    meminfo = Path("/proc/meminfo")
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), ROOM)


def timed(step: Contender) -> tuple[float, float]:
    """(wall, processor) seconds."""
    began = time.perf_counter(), time.process_time()
    step().cpu()  # waits for a GPU to finish
    return time.perf_counter() - began[0], time.process_time() - began[1]


def peak_of(step: Contender, device: torch.device) -> tuple[int, Tensor]:
    """(most bytes in use while it runs, weights included; what it gives)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        result = step().cpu()
        return torch.cuda.max_memory_allocated(), result
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak so far
    result = step()
    return peak_memory(), result


def share_of_peak(tflops: float) -> str:
    """Of the dense half-precision peak of a known GPU, else nothing."""
    card = this_card()
    return f", {100 * tflops * 1e12 / card.flops:.0f} % of its dense half-precision peak" if card else ""
