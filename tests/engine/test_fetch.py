"""a model set of a person's own, from mirrors that fail to a picture."""

import fcntl
import hashlib
import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bot.__main__ import main
from engine.drawing.models import build_models, load_clip
from engine.errors import BadRequest, CannotFetch, CorruptWeights, MissingWeights
from engine.model_sets.convert import read_checkpoint
from engine.model_sets.fetch import add, fetch, needs
from engine.model_sets.pace import Pace, remember
from engine.model_sets.weights import load_model_set, model_set_names, read_model_set, verify
from engine.networks.imports import import_open_clip
from engine.networks.secondary import SecondaryNet
from engine.networks.unet import UNet, UNetConfig
from tests.fakes.archives import SPRUNG, archive_with_code
from tests.fakes.mirror import HURRIED, Mirror, mirror
from tests.fakes.tiny_clip import TINY_CLIP

CPU = torch.device("cpu")
SHAPE = {
    "image_size": 32,
    "in_channels": 3,
    "out_channels": 6,
    "model_channels": 32,
    "num_res_blocks": 1,
    "attention_resolutions": [2],
    "channel_mult": [1, 2],
    "num_head_channels": 32,
    "resblock_updown": True,
}
SET = """
title = "A set of my own"
side = 32
[unet]
source = "mine.pt"
urls = {urls}
bytes = {unet_bytes}
sha256 = "{unet_sha256}"
objective = "eps"
schedule = "linear"
patch = 1
learned_variance = true
[unet.shape]
{shape}
[[clip]]
model = "tiny"
config = "tiny.json"
source = "ViT-tiny.pt"
urls = {urls}
bytes = {clip_bytes}
sha256 = "{clip_sha256}"
mean = [0.5, 0.4, 0.3]
std = [0.3, 0.3, 0.3]
weight = 1.0
[defaults]
steps = 5
sampler = "ddpm"
eta = 1.0
guidance_scale = 100.0
tv_scale = 150.0
range_scale = 50.0
cuts = 2
cut_power = 1.0
smallest_cut = 16
"""


class Archive(nn.Module):
    """What OpenAI traced: a CLIP with three numbers beside its weights, large tensors in half precision."""

    def __init__(self, clip: nn.Module) -> None:
        super().__init__()
        for name, child in clip.named_children():
            setattr(self, name, child)
        for name, parameter in clip.named_parameters(recurse=False):
            setattr(self, name, parameter)
        for name, number in (("input_resolution", 16), ("context_length", 77), ("vocab_size", 49408)):
            self.register_buffer(name, torch.tensor(number))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.logit_scale


def random_network(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.05)
    return network


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The two files as their makers would publish them, and open_clip's description of the CLIP."""
    folder = tmp_path_factory.mktemp("published")
    shape = {**SHAPE, "attention_resolutions": (2,), "channel_mult": (1, 2)}
    torch.save(random_network(UNet(UNetConfig(**shape))).state_dict(), folder / "mine.pt")
    (folder / "tiny.json").write_text(json.dumps(TINY_CLIP))
    import_open_clip()
    import open_clip

    open_clip.add_model_config(folder / "tiny.json")
    clip = random_network(open_clip.create_model("tiny"))
    clip.visual.half(), clip.transformer.half()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Archive(clip), torch.ones(1)).save(folder / "ViT-tiny.pt")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "models"


@pytest.fixture
def served(published: dict[str, Path]) -> Iterator[Mirror]:
    with mirror(published["mine.pt"].read_bytes()) as found:
        yield found


@cache
def digest(path: Path) -> str:
    """The SHA-256 of a published file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe(folder: Path, published: dict[str, Path], urls: list[str], **changes: str) -> Path:
    """The set's file, in the models folder."""
    given = {"urls": json.dumps(urls), "shape": "\n".join(f"{k} = {json.dumps(v)}" for k, v in SHAPE.items())}
    for kind, name in (("unet", "mine.pt"), ("clip", "ViT-tiny.pt")):
        given |= {f"{kind}_bytes": str(published[name].stat().st_size), f"{kind}_sha256": digest(published[name])}
    (folder / "own").mkdir(parents=True, exist_ok=True)
    (folder / "own" / "tiny.json").write_bytes(published["tiny.json"].read_bytes())
    (folder / "own.toml").write_text(SET.format(**{**given, **changes}))
    return folder / "own.toml"


def test_weights_of_unknown_licence_are_asked_for_once(
    published: dict[str, Path], served: Mirror, models_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Most of the family's authors have not said what may be done; the operator decides, a script says --yes."""
    file = describe(models_folder, published, [f"{served.address}/none"])
    file.write_text('licence = "unknown"\n' + file.read_text())
    remember("own", Pace(step=1e6, steps=5, device="cpu"))  # hours: it is not measured again
    main(["models", "add", str(published["ViT-tiny.pt"])])
    assert main(["models", "fetch", "own"]) == 2  # nobody at the terminal
    assert "licence of own is not known" in (said := capsys.readouterr().err) and "--yes" in said
    assert served.asked == []
    assert main(["models", "fetch", "own", "--yes"]) == 0
    assert main(["models", "fetch", "own"]) == 0, "what is here needs no second answer"


def test_a_set_is_fetched_converted_and_drawn_with(
    published: dict[str, Path], served: Mirror, models_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: a mirror that breaks off, one file added by hand, a picture."""
    describe(models_folder, published, [f"{served.address}/cut-off"])
    assert "own" in model_set_names() and needs("own").download == sum(
        published[name].stat().st_size for name in ("mine.pt", "ViT-tiny.pt")
    )
    assert main(["models", "add", str(published["ViT-tiny.pt"])]) == 0
    assert needs("own").download == published["mine.pt"].stat().st_size
    assert main(["models", "fetch", "own"]) == 0
    said = capsys.readouterr()
    assert "to download into" in said.err and "are free" in said.err and said.out.endswith("own is ready\n")
    kept = {path.name.split("-")[0] for path in models_folder.glob("*.safetensors")}
    assert kept == {"mine", "ViT"} and not list(models_folder.glob("*.source*")) + list(models_folder.glob("*.part"))
    assert main(["draw", "a star", "--models", "own", "--seed", "1", "-o", str(models_folder / "a.png")]) == 0
    asked = len(served.asked)
    assert main(["models", "fetch", "own"]) == 0 and len(served.asked) == asked, "what is there is not fetched again"


def test_convolutions_are_halved_and_the_rest_is_as_published(published: dict[str, Path], models_folder: Path) -> None:
    """guided-diffusion itself halves just these to run on a GPU."""
    describe(models_folder, published, [])
    list(add(published["mine.pt"]))
    unet = load_model_set("own").files()[0]
    ours, theirs = load_file(verify(unet)), torch.load(published["mine.pt"], weights_only=True)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        halved = theirs[name].dim() >= 3 and not name.startswith("out.")
        assert torch.equal(tensor, theirs[name].half() if halved else theirs[name])


def test_an_openai_archive_is_the_clip_that_was_traced(published: dict[str, Path], models_folder: Path) -> None:
    """Its numbers beside the weights are dropped, its weights kept as they are, its activation is QuickGELU."""
    describe(models_folder, published, [])
    list(add(published["ViT-tiny.pt"]))
    description = load_model_set("own")
    tensors = load_file(verify(description.files()[1]))
    assert "vocab_size" not in tensors and tensors["visual.conv1.weight"].dtype == torch.float16
    clip = load_clip(description, description.clips[0], CPU)
    import open_clip

    expected = random_network(open_clip.create_model("tiny"))
    expected.visual.half().float(), expected.transformer.half().float()
    picture = torch.rand(1, 3, 16, 16)
    normalised = (picture - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / 0.3
    with torch.no_grad():
        assert torch.allclose(clip.encode_images(picture), expected.encode_image(normalised), atol=1e-4)
    assert any(type(module).__name__ == "QuickGELU" for module in clip._model.modules())


def test_several_clips_pull_with_their_weights(published: dict[str, Path], models_folder: Path) -> None:
    path = describe(models_folder, published, [])
    for name in ("mine.pt", "ViT-tiny.pt"):
        list(add(published[name]))
    text = path.read_text()
    table = text[text.index("[[clip]]") : text.index("[defaults]")].replace("weight = 1.0", "weight = 0.25")
    path.write_text(text.replace("[defaults]", table + "[defaults]"))
    models = build_models(load_model_set("own"), CPU)
    assert [weight for _, weight in models.clips] == [1.0, 0.25]


def test_a_secondary_network_is_part_of_a_set(published: dict[str, Path], models_folder: Path, tmp_path: Path) -> None:
    path = describe(models_folder, published, [])
    torch.save(SecondaryNet().state_dict(), tmp_path / "second.pth")
    content = (tmp_path / "second.pth").read_bytes()
    path.write_text(
        path.read_text().replace(
            "[defaults]",
            f"""[secondary]
source = "second.pth"
about_bytes = {len(content) + 100}
sha256 = "{hashlib.sha256(content).hexdigest()}"
[defaults]""",
        )
    )
    for file in (published["mine.pt"], published["ViT-tiny.pt"], tmp_path / "second.pth"):
        list(add(file))
    models = build_models(load_model_set("own"), CPU)
    assert models.secondary is not None
    found = models.secondary(torch.randn(1, 3, 32, 32), torch.tensor([500]))
    assert found.x0.shape == (1, 3, 32, 32)


def test_what_is_damaged_on_disk_is_fetched_anew(
    published: dict[str, Path], served: Mirror, models_folder: Path
) -> None:
    """`imago models fetch` is the cure that every error names."""
    describe(models_folder, published, [f"{served.address}/none"])
    list(add(published["ViT-tiny.pt"]))
    list(fetch("own", HURRIED))
    unet = load_model_set("own").files()[0]
    for damage in (unet.path, unet.receipt):
        content = bytearray(damage.read_bytes())
        content[len(content) // 2] ^= 0xFF
        damage.write_bytes(content)
        with pytest.raises(CorruptWeights, match="imago models fetch own"):
            verify(unet)
        list(fetch("own", HURRIED))
        verify(unet)


def test_a_conversion_that_was_killed_is_made_again(
    published: dict[str, Path], served: Mirror, models_folder: Path
) -> None:
    """The verified file is still there: no byte is fetched twice."""
    describe(models_folder, published, [f"{served.address}/none"])
    list(add(published["ViT-tiny.pt"]))
    for step in fetch("own", HURRIED):
        if step.phase == "convert":
            break
    unet = load_model_set("own").files()[0]
    with pytest.raises(MissingWeights, match="mine.pt is not there: run `imago models fetch own`"):
        verify(unet)
    sent = served.sent
    list(fetch("own", HURRIED))
    assert verify(unet) and served.sent == sent


def test_no_room_is_told_before_anything_is_fetched(
    published: dict[str, Path], served: Mirror, models_folder: Path
) -> None:
    path = describe(models_folder, published, [f"{served.address}/none"])
    path.write_text(path.read_text().replace("bytes = ", "bytes = 99999999", 1))
    with pytest.raises(CannotFetch, match=r"own needs .* GB free on the disk .* make room"):
        list(fetch("own", HURRIED))
    assert served.asked == []


def test_two_at_once_do_not_write_the_same_file(published: dict[str, Path], models_folder: Path) -> None:
    describe(models_folder, published, [])
    with open(models_folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotFetch, match="Another Imago is fetching"):
            list(fetch("own", HURRIED))


def test_a_file_that_no_set_knows_is_refused(models_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "unknown.pt").write_bytes(b"who am I?")
    with pytest.raises(BadRequest, match="No model set knows unknown.pt"):
        list(add(tmp_path / "unknown.pt"))


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path: Path) -> None:
    """Even one whose hash is right: the hash is of what somebody wrote into a file of theirs."""

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.mkdir, (tmp_path / "sprung",)

    for content in ({"weight": Trap()}, {"step": 3}, [1, 2]):
        torch.save(content, tmp_path / "x.pt")
        with pytest.raises(CorruptWeights, match="x.pt"):
            read_checkpoint(tmp_path / "x.pt")
    assert not (tmp_path / "sprung").exists()


def test_the_code_of_an_archive_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """torch.jit.load runs its author's __setstate__."""
    archive_with_code(tmp_path / "x.pt")
    with pytest.raises(CorruptWeights, match=r"x\.pt"):
        read_checkpoint(tmp_path / "x.pt")
    assert SPRUNG not in capfd.readouterr().out


@pytest.mark.parametrize("config", ["", "[]", '{"embed_dim": 16}', '{"embed_dim": 1, "vision_cfg": 1, "text_cfg": 1}'])
def test_a_clip_that_is_none_is_one_sentence(published: dict[str, Path], models_folder: Path, config: str) -> None:
    """open_clip keeps what it was given for ever, and then no other set could be loaded."""
    describe(models_folder, published, [])
    list(add(published["ViT-tiny.pt"]))
    (models_folder / "own" / "tiny.json").write_text(config)
    with pytest.raises(BadRequest, match=r"The CLIP tiny of the model set own cannot be built: tiny\.json"):
        load_clip(load_model_set("own"), load_model_set("own").clips[0], CPU)
    (models_folder / "own" / "tiny.json").unlink()
    with pytest.raises(BadRequest, match="is not there"):
        load_clip(load_model_set("own"), load_model_set("own").clips[0], CPU)


def test_a_clip_that_names_a_network_elsewhere_is_refused(published: dict[str, Path], models_folder: Path) -> None:
    describe(models_folder, published, [])
    list(add(published["ViT-tiny.pt"]))
    tower = {**TINY_CLIP, "text_cfg": {**TINY_CLIP["text_cfg"], "hf_model_name": "somebody/network"}}
    (models_folder / "own" / "tiny.json").write_text(json.dumps(tower))
    with pytest.raises(BadRequest, match="names a network elsewhere"):
        load_clip(load_model_set("own"), load_model_set("own").clips[0], CPU)


EARLY = f"""[early]
file = "early.safetensors"
bytes = 9
sha256 = "{"0" * 64}"
objective = "v"
schedule = "linear"
patch = 1
learned_variance = true
from_timestep = 500

[early.shape]
channel_mult = [1]

[defaults]"""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('config = "tiny.json"', 'config = "../../x"', "not the plain name of a file"),
        ('config = "tiny.json"', 'config = "/etc/passwd"', "not the plain name of a file"),
        ('config = "tiny.json"', "config = 3", "not the plain name of a file"),
        ('config = "tiny.json"', 'vocabulary = "..\\\\x"', "not the plain name of a file"),
        ('config = "tiny.json"', 'text = "../toybox"', "not the plain name of a file"),
        ('model = "tiny"', 'model = "hf-hub:somebody/network"', "a name of open_clip's"),
        ('model = "tiny"', 'model = "local-dir:/tmp"', "a name of open_clip's"),
        ('source = "mine.pt"', 'file = "mine.pt"', "it must be .safetensors"),
        ("num_res_blocks = 1", "num_res_blocks = 1000000000", "num_res_blocks of a U-Net is a number up to"),
        ("mean = [0.5, 0.4, 0.3]", "mean = [0.5]", "mean of a .* three numbers"),
        ("std = [0.3, 0.3, 0.3]", "std = [0.3, 0.0, 0.3]", "none of std is 0"),
        ("steps = 5", 'steps = "many"', "steps in .defaults. is of another kind"),
        ('title = "A set of my own"', 'title = "\\u001b[31mred"', "text of one line"),
        ("https://example.org/mine.pt", "https://[::1", "be whole addresses"),
        ("https://example.org/mine.pt", "https://example.org:99999/", "be whole addresses"),
        ("https://example.org/mine.pt", "https:///mine.pt", "be whole addresses"),
        ('title = "A set of my own"', "title = ", "is not TOML"),
        ("side = 32", "side = 33", "side must be a multiple of 2"),
        ('objective = "eps"', 'objective = "x"', 'objective is "eps", "v" or "x0"'),
        ('source = "mine.pt"', 'source = "../../mine.pt"', "not the plain name of a file"),
        ("cuts = 2", "cut = 2", "has no cut, it has cut_power, cuts"),
        ("cuts = 2", "", "cuts"),
        ("[[clip]]", "[clip]", r"at least one \[\[clip\]\]"),
        ("patch = 1", "", "lacks patch"),
        ("https://", "ftp://", "must begin with https://"),
        ('sha256 = "', 'sha256 = "x', "must be 64 digits"),
        ("steps = 5", "", "steps"),
        ("[defaults]", EARLY.replace("= 500", "= 0"), "a from_timestep of 1 to 999"),
        ("[defaults]", EARLY.replace("= 500", '= "x"'), "a from_timestep of 1 to 999"),
        ("[defaults]", EARLY.replace("linear", "cosine"), "has the schedule and"),
        ("[defaults]", EARLY.replace("= true", "= false"), "the learned_variance of"),
        ("[defaults]", EARLY.replace("patch = 1", ""), "lacks patch"),
        ("[defaults]", EARLY.replace("from_timestep = 500", ""), "lacks from_timestep"),
    ],
)
def test_a_mistake_in_a_set_is_one_sentence(
    published: dict[str, Path], models_folder: Path, before: str, after: str, words: str
) -> None:
    """People write these files by hand."""
    path = describe(models_folder, published, ["https://example.org/mine.pt"])
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(BadRequest, match=words) as caught:
        read_model_set(path)
    assert "own.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_shape_that_is_none_is_one_sentence(published: dict[str, Path], models_folder: Path) -> None:
    path = describe(models_folder, published, [])
    for name in ("mine.pt", "ViT-tiny.pt"):
        list(add(published[name]))
    text = path.read_text()
    path.write_text(text.replace("num_res_blocks = 1", "res_blocks = 1"))
    with pytest.raises(BadRequest, match="describes no network"):
        build_models(load_model_set("own"), CPU)
    path.write_text(text.replace("num_res_blocks = 1", "num_res_blocks = 2"))
    with pytest.raises(CorruptWeights, match="does not hold the U-Net"):
        build_models(load_model_set("own"), CPU)


def test_a_set_of_ones_own_is_added_but_never_in_the_place_of_ours(
    published: dict[str, Path], models_folder: Path, tmp_path: Path
) -> None:
    path = describe(tmp_path / "elsewhere", published, [])
    list(add(path))
    assert "own" in model_set_names()
    with pytest.raises(BadRequest, match="toybox is the name of a set that comes with Imago"):
        list(add(path.rename(path.with_name("toybox.toml"))))
