# Needs Python 3.11, 3.12 or 3.13 and make, nothing else.  `make` lists the targets.
PYTHON ?= python3
RUN := .venv/bin/python
INSTALLED := .venv/.installed
EXAMPLES := $(addprefix example_model/,sentiment language_model pos_tagging)
PIP_INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check
# `make lock UPGRADE=--upgrade` takes the newest versions; without it those in the locks stay where they still fit.
UPGRADE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lock example test test-slow lint format notebooks bench lab clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## make .venv and install what is needed, once

# Nothing is built from a source package, whose build tools no hash would cover; this project is, with the setuptools locked.
$(INSTALLED): locks/requirements-dev.txt pyproject.toml | $(RUN)
	@echo "Installing into .venv: about 3 GB, some minutes" >&2
	@$(PIP_INSTALL) --require-hashes --only-binary :all: -r locks/requirements-dev.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# The largest file comes first; the others keep to its versions. uv is installed by hash like everything else.
lock: | $(RUN)  ## write locks/ anew from requirements*.txt: exact versions and hashes
	@$(PIP_INSTALL) --require-hashes --only-binary :all: -r locks/requirements-lock.txt
	@agree=; for name in requirements-bench requirements-dev requirements requirements-serve requirements-scale requirements-predict requirements-lock; do \
		$(RUN) -m uv pip compile --quiet --no-config --universal --python-version 3.11 --no-build --generate-hashes $(UPGRADE) \
			--annotation-style line --custom-compile-command "make lock" $$agree $$name.txt -o locks/$$name.txt || exit 1; \
		agree="--constraint locks/requirements-bench.txt"; \
	done

$(RUN):
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("error: found Python %d.%d, wanted 3.11 to 3.13; say which: make PYTHON=python3.12 setup" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv

example: $(INSTALLED)  ## train, score and use the three example models, about six minutes with the installation
	@$(RUN) -m scripts.build_example_models

test: $(INSTALLED)  ## the default tests, on up to four cores
	@$(RUN) -m pytest -m "not slow" --numprocesses auto --maxprocesses 4 --dist worksteal

test-slow: $(INSTALLED)  ## the tests that take longer
	@$(RUN) -m pytest -m slow --numprocesses auto --maxprocesses 2 --dist worksteal

lint: $(INSTALLED)  ## check format, style and types
	@$(RUN) -m ruff format --check --quiet . && $(RUN) -m ruff check --quiet . && $(RUN) -m mypy

format: $(INSTALLED)  ## put the code in its format
	@$(RUN) -m ruff format --quiet . && $(RUN) -m ruff check --quiet --fix .

notebooks: $(INSTALLED)  ## make and run the notebooks from their lessons
	@$(RUN) -m scripts.build_notebooks

bench: $(INSTALLED)  ## time Keras, PyTorch (if installed) and ONNX Runtime; about 10 minutes
	@for part in engines writing training; do $(RUN) -m benchmarks.$$part --write-readme || exit 1; done

lab: $(INSTALLED)  ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab

clean:  ## remove caches and example models; .venv and runs/ stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache *.egg-info $(EXAMPLES) $(EXAMPLES:=-report) $(EXAMPLES:=.checkpoint) && find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
