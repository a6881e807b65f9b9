"""the unit file of docs/operations.md, the Dockerfile and its lock files: hardened as such services are, and fixed."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-cpu.lock", "requirements-ray.lock")
UNITS = ("operations", "scaling")
MOST_EXPOSED = 2.5  # of 10, as systemd counts; network and a user's own files are what is left


def unit(page: str) -> str:
    """The unit file that operators are told to save: of the bot in operations.md, of a Ray machine in scaling.md."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    block = text[text.index("    [Unit]") :]
    block = block[: re.search(r"^\S", block, re.MULTILINE).start()]  # type: ignore[union-attr]
    return "".join(line[4:] + "\n" if line.strip() else "\n" for line in block.splitlines())


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    rows = [
        (re.match(r"([\w.-]+)==([\w.+]+)", line), line.count("--hash=sha256:")) for line in text.splitlines() if line
    ]
    assert all(match for match, _ in rows)
    return {canonicalize_name(match[1]): (match[2], hashes) for match, hashes in rows if match}


@pytest.mark.parametrize(
    "line",
    [
        "StartLimitIntervalSec=0",
        "UMask=0077",
        "StateDirectoryMode=0700",
        "CacheDirectoryMode=0700",
        "LimitNOFILE=65536",
        "OOMPolicy=continue",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
    ],
)
@pytest.mark.parametrize("page", UNITS)
def test_a_unit_restarts_for_ever_and_gives_its_service_no_more_than_it_needs(page: str, line: str) -> None:
    assert line in unit(page).splitlines()


@pytest.mark.parametrize(
    ("page", "lines"),
    [
        ("operations", {"Restart=on-failure", "RestartSec=10", "RestartPreventExitStatus=78", "MemoryMax=80%"}),
        ("scaling", {"Restart=always", "RestartSec=5", "MemoryMax=90%"}),
    ],
)
def test_a_unit_waits_before_it_starts_again_and_leaves_memory_to_others(page: str, lines: set[str]) -> None:
    assert lines <= set(unit(page).splitlines())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("page", UNITS)
def test_systemd_understands_the_unit_and_finds_it_hardened(tmp_path: Path, page: str) -> None:
    """A misspelled setting is only a warning in a log that nobody reads."""
    path = tmp_path / "imago.service"
    text = re.sub(r"/opt/imago/\.venv/bin/\w+", sys.executable, unit(page))
    path.write_text(text.replace("User=imago", "User=daemon"))
    checked = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True)
    assert "imago.service" not in checked.stderr, checked.stderr
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED * 10:g}"]
    judged = subprocess.run([*command, str(path)], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_the_image_is_made_of_what_is_fixed() -> None:
    """The base by its digest, packages by their hashes, and nothing that the build fetches beside them."""
    text = dockerfile()
    assert re.search(r"^ARG PYTHON=python:3\.11[\w.]*-slim@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON}"}
    installs = re.findall(r"pip install ([^&\n]*)", text)
    assert len(installs) == 2 and all("--require-hashes" in words or "--no-index" in words for words in installs)


def test_the_image_of_a_ray_machine_is_the_same_one_with_ray() -> None:
    """Ray's own image is fixed by nothing but its name."""
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert "--build-arg LOCK=requirements-ray.lock" in page and set(re.findall(r"FROM (\S+)", page)) == {"imago-ray"}
    assert "ray" in locked("requirements-ray.lock")


def test_the_image_keeps_no_password_and_no_config_that_the_service_could_change() -> None:
    text = dockerfile()
    assert "type=secret,id=pip" in text and not re.search(r"^ARG .*(INDEX|TOKEN|PASSWORD)", text, re.MULTILINE)
    assert "--owner root /etc/imago" in text and text.rindex("\nUSER imago") > text.rindex("\nCOPY")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_file_has_a_version_that_fits_and_a_hash(name: str) -> None:
    """`make lock` makes them anew."""
    found = locked(name)
    assert [package for package, (_, hashes) in found.items() if not hashes] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for wanted in map(Requirement, (*project["project"]["dependencies"], *project["build-system"]["requires"])):
        version, _ = found[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(Version(version).public), f"{wanted} but {version}: run `make lock`"
    assert ("nvidia-cublas" in found) == (name != "requirements-cpu.lock")
