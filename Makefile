# Needs Python 3.11, 3.12 or 3.13 and make, nothing else.  `make` lists the targets.
PYTHON ?= python3
RUN := .venv/bin/python
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup example test test-slow lint format notebooks bench lab clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## make .venv and install what is needed, once

$(INSTALLED): requirements.txt requirements-predict.txt requirements-dev.txt pyproject.toml | $(RUN)
	@echo "Installing into .venv: about 3 GB, some minutes" >&2
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -e .
	@touch $@

$(RUN):
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("error: found Python %d.%d, wanted 3.11 to 3.13; say which: make PYTHON=python3.12 setup" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv

example: $(INSTALLED)  ## train, score and use the three example models, about 5 minutes
	@$(RUN) -m scripts.build_example_models

test: $(INSTALLED)  ## the default tests, on up to four cores; ten minutes on two
	@$(RUN) -m pytest -m "not slow" --numprocesses auto --maxprocesses 4 --dist worksteal

test-slow: $(INSTALLED)  ## the tests that take longer
	@$(RUN) -m pytest -m slow

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
	@rm -rf .pytest_cache .mypy_cache .ruff_cache *.egg-info example_model/*/ && find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
