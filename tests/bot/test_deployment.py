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
LOCKS = ("requirements.lock", "requirements-cpu.lock")
MOST_EXPOSED = 2.5  # of 10, as systemd counts; network and a user's own files are what is left


def unit() -> str:
    """The unit file that operators are told to save."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    block = page[page.index("    [Unit]") : page.index("with `folder = ")]
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
        "Restart=on-failure",
        "RestartSec=10",
        "RestartPreventExitStatus=78",
        "UMask=0077",
        "StateDirectoryMode=0700",
        "CacheDirectoryMode=0700",
        "LimitNOFILE=65536",
        "MemoryMax=80%",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "NoNewPrivileges=yes",
    ],
)
def test_the_unit_restarts_for_ever_and_gives_the_bot_no_more_than_it_needs(line: str) -> None:
    assert line in unit().splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    """A misspelled setting is only a warning in a log that nobody reads."""
    path = tmp_path / "imago.service"
    path.write_text(unit().replace("/opt/imago/.venv/bin/imago", sys.executable).replace("User=imago", "User=daemon"))
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
    assert ("nvidia-cublas" in found) == (name == "requirements.lock")
