# One command per chore; .ci/run calls `make test`.
# Any Python from 3.11 on, under whatever name.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
PROMPT ?= half-life 3 screenshot
# A sentence of somebody's: neither make nor the shell reads it, it travels in the environment.
export IMAGO_PROMPT := $(value PROMPT)
unexport PROMPT

# A machine without an NVIDIA card needs torch's small CPU build; torchvision must be the release beside it.
TORCH := "torch==2.13.*" "torchvision==0.28.*"

.PHONY: imagine run test test-cluster lint types lock bench gpu bench-bot drawings picturebook picturebook-gpu toybox clean

imagine: $(VENV)/.installed  ## draw PROMPT into out/
	@$(VENV)/bin/imago draw "$$IMAGO_PROMPT"

run: $(VENV)/.installed  ## the bot with its chat page; config.toml is used when there is one
	@$(VENV)/bin/imago serve

test: $(VENV)/.tested lint types  ## everything that must hold before a commit
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-cluster: $(VENV)/.tested  ## engines, machines and the head of a Ray cluster are killed; no picture may be lost or change
	$(VENV)/bin/python -m pytest -m cluster tests/engine/test_cluster.py
	$(VENV)/bin/python -m tests.bench.bot.cluster kill

lint: $(VENV)/.tested
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.tested
	$(VENV)/bin/mypy

# UV_FIND_LINKS or UV_INDEX says where PyTorch's CPU build is.
LOCK := $(VENV)/bin/uv pip compile pyproject.toml - --generate-hashes --python-version 3.11 --no-header --no-annotate -q
lock: $(VENV)/.tested  ## requirements*.lock: every package of the image by version and SHA-256, as installed here
	$(VENV)/bin/pip install --quiet uv
	$(VENV)/bin/pip freeze --exclude-editable | grep -v -e '^torch' -e ' @ ' > $(VENV)/installed.txt
	printf 'torch==2.13.*\ntorchvision==0.28.*\nsetuptools>=77\nwheel\n' | \
	    $(LOCK) -c $(VENV)/installed.txt --universal -o requirements.lock
	printf 'torch==2.13.0+cpu\ntorchvision==0.28.*\nsetuptools>=77\nwheel\n' | \
	    $(LOCK) -c $(VENV)/installed.txt --python-platform x86_64-manylinux_2_28 --no-emit-find-links -o requirements-cpu.lock
	printf 'torch==2.13.*\ntorchvision==0.28.*\nsetuptools>=77\nwheel\nray[default]\n' | \
	    $(LOCK) -c $(VENV)/installed.txt --extra ray --universal -o requirements-ray.lock

bench: $(VENV)/.tested  ## the figures of docs/benchmarks.md
	$(VENV)/bin/python -m tests.bench.engine

gpu: $(VENV)/.tested  ## on a machine with an NVIDIA card: the open rows of docs/benchmarks.md, in at most ten minutes
	timeout 590 $(VENV)/bin/python -m tests.bench.engine gpu family --write docs/benchmarks.md

bench-bot: $(VENV)/.tested  ## the figures of the bot: kills, load, pauses, cost, hostile input (half an hour)
	@for name in kill_engine kill_bot load pause cost hostile discord_kill discord_storm discord_first \
	    telegram_flood telegram_kill; do $(VENV)/bin/python -m tests.bench.bot.$$name || exit 1; done

drawings: $(VENV)/.tested  ## fetch the picture book's artwork (npm) and render it into runs/picturebook
	$(VENV)/bin/python -m engine.training.picturebook drawings

picturebook: $(VENV)/.tested  ## make the picture book's networks from nothing
	$(VENV)/bin/python -m engine.training.picturebook all

# DRAWINGS: what `make drawings` rendered, carried to the machine with the card.
DRAWINGS ?= runs/picturebook/drawings.npz
picturebook-gpu: $(VENV)/.tested  ## on a machine with an NVIDIA card: train, pack and measure in at most ten minutes
	mkdir -p runs/picturebook && { test "$(DRAWINGS)" -ef runs/picturebook/drawings.npz || cp "$(DRAWINGS)" runs/picturebook/; }
	timeout 480 $(VENV)/bin/python -m engine.training.picturebook all --device cuda --minutes 7
	timeout 110 $(VENV)/bin/python -m tests.bench.engine picturebook --fewer 20 --rows colour setting two sentences

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Imago needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3."; exit 1; }
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), about 1700 MB; a minute or a few, the first time only:"
	@$(VENV)/bin/pip install --disable-pip-version-check $(TORCH) -e . > $(VENV)/install.log 2>&1 & pid=$$!; \
	while kill -0 $$pid 2>/dev/null; do printf '\r  %s MB ' "$$(du -sm $(VENV) | cut -f1)"; sleep 2; done; echo; \
	wait $$pid || { tail -n 5 $(VENV)/install.log; echo "Installing failed; all of it is in $(VENV)/install.log."; exit 1; }
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check $(TORCH) -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis
