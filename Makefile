# Two commands: `make run` and `make test`. They need Python >= 3.11, make and git, nothing else.
# Another Python: `make PYTHON=python3.13 run`. Other options of the campaign: `make run ARGS="--count 20"`.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PEERS := badcrossbar sigfig pathvalidate

.PHONY: run test check bench floors torture soak clean

run: $(VENV)/run.stamp
	$(BIN)/labmtj run $(ARGS)

# Whatever the environment says, compiled modules are kept: the tests start hundreds of processes that import labmtj.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

# Two processes; the tests of a file stay together, because they share what takes long to make. JOBS=0: all in one.
JOBS ?= 2
test: $(VENV)/test.stamp $(VENV)/clients.stamp
	$(PYTEST) -n $(JOBS) --dist loadfile --durations=25

check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench.stamp
	$(BIN)/python -m pytest tests/benchmarks -s -o addopts=--import-mode=importlib

# A part of the tests with the lowest versions that pyproject.toml allows, in an environment of its own: two minutes.
floors: $(VENV)/floors.stamp
	$(VENV)/floors/bin/python -m pytest -p no:cacheprovider tests/circuit tests/device tests/record tests/reading \
	  tests/safety tests/instruments/test_keithley2600.py tests/bench/test_loading.py tests/test_strictmodel.py \
	  tests/test_yamlfile.py

$(VENV)/floors.stamp: $(VENV)/run.stamp tests/floors.py
	$(PYTHON) -m venv $(VENV)/floors
	$(BIN)/python tests/floors.py instruments virtual notebook > $(VENV)/floors.txt
	$(VENV)/floors/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(VENV)/floors.txt \
	  --editable '.[instruments,virtual,notebook]' pytest hypothesis netCDF4
	@touch $@

# Every case of the fault matrix (docs/reliability.md) and every long draw instead of a sample: hours. ARGS="-k row_09"
# takes a part.
torture: $(VENV)/test.stamp $(VENV)/clients.stamp
	$(PYTEST) --torture -n $(JOBS) --dist worksteal $(ARGS)

# Random faults on a virtual bench while campaigns run and are resumed, for as long as you like.
MINUTES ?= 60
soak: $(VENV)/test.stamp
	MINUTES=$(MINUTES) $(BIN)/python -m pytest tests/reliability/test_soak.py -s

# The path file is for who works in the folder that holds the checkout: there a folder called labmtj, without __init__.py,
# would be taken for the package before the installed one is asked for.
$(VENV)/run.stamp: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "labmtj needs Python >= 3.11, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) setuptools
	$(INSTALL) --no-build-isolation --editable '.[instruments,virtual,notebook]'
	@$(BIN)/python -c 'import os, sysconfig; print(os.getcwd(), file=open(sysconfig.get_path("purelib") + "/labmtj-checkout.pth", "w"))'
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(INSTALL) --no-build-isolation --editable '.[test,check]'
	@touch $@

# Drivers of other makers, for tests/clients: each in a folder of its own, so that none decides what another gets.
# Without a package index their tests are skipped.
CLIENTS := qcodes tm_devices keithley2600-1.4.1 keithley2600-2.1.0
$(VENV)/clients.stamp: $(VENV)/test.stamp $(CLIENTS:%=tests/clients/%.txt)
	@for client in $(CLIENTS); do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	    --target $(VENV)/clients/$$client --requirement tests/clients/$$client.txt 2> /dev/null \
	    || echo "no $$client here: its tests are skipped"; \
	done
	@touch $@

# badcrossbar asks for pycairo, which needs a compiler and the headers of cairo, to draw; the benchmark draws nothing.
# Not for `make test`: its import sets up the logging of the whole process.
$(VENV)/bench.stamp: $(VENV)/clients.stamp
	$(INSTALL) --no-deps $(PEERS) || echo "no badcrossbar here: the benchmarks go on without it"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
