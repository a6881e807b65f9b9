"""engine/__init__.py, the door: how long the threads of a drawing wait awake."""

import os
import re
import subprocess
import sys

import pytest

CODE = "import engine; engine.draw(engine.Request(prompt='a star'))"


@pytest.mark.skipif(sys.platform != "linux", reason="another OpenMP")
@pytest.mark.parametrize(("given", "rounds"), [
    ({}, "1000"), ({"OMP_WAIT_POLICY": "active"}, "30000000000")])
def test_threads_of_a_drawing_do_not_wait_awake_for_long(given: dict[str, str], rounds: str) -> None:
    """GNU's OpenMP says itself what it took; whoever asked for something else gets that."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    told = subprocess.run([sys.executable, "-c", CODE], env={**clean, **given, "OMP_DISPLAY_ENV": "verbose"},
                          capture_output=True, text=True, check=True).stderr
    assert re.findall(r"GOMP_SPINCOUNT = '(\d+)'", told) == [rounds]
