# On a fresh machine:  make demo   locates a photo and draws a map, without torch
#                      make test   installs everything and runs the tests
PYTHON ?= python3
PHOTO  ?=
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo serve test test-slow lint format default-model clean

demo: $(VENV)/.light
	$(BIN)/graticule demo $(PHOTO) -o demo

serve: $(VENV)/.web
	$(BIN)/graticule serve --demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py --check

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Trains the model that ships inside the package and puts its bundle in place.
default-model: $(VENV)/.dev
	$(BIN)/python -m graticule.training.default_model

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.light: pyproject.toml hatch_build.py $(wildcard web/*.* web/src/* web/src/page/*) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(VENV)/.web: pyproject.toml hatch_build.py $(wildcard web/*.* web/src/* web/src/page/*) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e '.[demo,web]'
	touch $@ $(VENV)/.light

$(VENV)/.dev: pyproject.toml hatch_build.py $(wildcard web/*.* web/src/* web/src/page/*) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e '.[all]' --group dev
	touch $@ $(VENV)/.light $(VENV)/.web

clean:
	rm -rf $(VENV) demo dist build
