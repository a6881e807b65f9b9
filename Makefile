# One command per chore; .ci/run calls `make test`.
PYTHON ?= python3.11
VENV := .venv
PROMPT ?= half-life 3 screenshot

# A machine without an NVIDIA card needs torch's small CPU build; torchvision must be the release beside it.
TORCH := "torch==2.13.*" "torchvision==0.28.*"

.PHONY: imagine run test lint types bench bench-bot toybox clean

imagine: $(VENV)/.installed  ## draw PROMPT into out/
	@$(VENV)/bin/imago draw "$(PROMPT)"

run: $(VENV)/.installed  ## the bot with its chat page; config.toml is used when there is one
	@$(VENV)/bin/imago serve $(if $(wildcard config.toml),--config config.toml)

test: $(VENV)/.tested lint types  ## everything that must hold before a commit
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.tested
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.tested
	$(VENV)/bin/mypy

bench: $(VENV)/.tested  ## the figures of docs/benchmarks.md
	$(VENV)/bin/python -m tests.bench.engine

bench-bot: $(VENV)/.tested  ## the figures of the bot: kills, load, pauses, cost, hostile input (half an hour)
	@for name in kill_engine kill_bot load pause cost hostile discord_kill discord_storm discord_first \
	    telegram_flood telegram_kill; do $(VENV)/bin/python -m tests.bench.bot.$$name || exit 1; done

$(VENV)/.installed: pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing (a few minutes the first time) …"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check $(TORCH) -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check $(TORCH) -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis
