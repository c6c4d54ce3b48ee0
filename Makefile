# make help lists the targets. Everything runs in .venv, made from pyproject.toml and the exact versions in constraints.txt.
PYTHON ?= python3
JOBS ?= 3
comma := ,
# Not vision: the index's torchvision needs the libraries of a torch with CUDA, and beside one without it neither loads
EXTRAS := quantization,speech,detection,postgres,slurm,ray,serve,telemetry
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/tools
CORE := $(VENV)/.core
READY := $(VENV)/.ready
DOCS := $(VENV)/.docs

# Tests start hundreds of processes of this code: it is compiled once
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run demo report docs pictures hub-check test test-fast test-cluster test-faults test-engines fuzz check format ui wheel lock sbom audit clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## the environment alone: .venv with exact versions and every extra but vision; joulemark is then a command of .venv/bin

# The program and what its built-in models need: a third of the whole environment's seconds. Of its
# thousands of modules a run imports few: the heaviest are compiled here, not while it loads, others as they are met
$(CORE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Joulemark needs Python 3.11 or newer; say which with: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[detection]"
	@$(BIN)/python -c "import torch, transformers, codecarbon, mlflow"
	@touch $@

# Everything else: other extras, and what tests and checks need
$(READY): $(CORE)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[$(EXTRAS),dev]"
	@touch $@

run: $(CORE) ## the main job on the built-in model and data: no network, no GPU needed
	$(BIN)/python -m src.run protocol.max_windows=3 protocol.warmup_max_s=10 protocol.stage_s=1
	@echo
	@echo "Next:  make ui                                             look at the run"
	@echo "       $(BIN)/python -m src.run model=embedded             a general-purpose model on the same inputs: what does it cost?"
	@echo "       $(BIN)/python -m src.run                            up to ten windows, until the interval is within 2 %: minutes"
	@echo "       $(BIN)/python -m src.run --help                     every group and option"

# A store of their own, mlruns/demo; three processes of each setting where two models compete, which gives a verdict
DEMO := MLFLOW_TRACKING_URI= JOULEMARK_HOME=mlruns/demo $(BIN)/python
demo: $(CORE) ## the ten tasks of the study in miniature, specialist against general-purpose model, and their report: minutes, no network
	@echo "Twenty runs, each a process of its own: about five minutes on two cores that do nothing else, and a page at the end."
	@echo "How much is left is said before each. Ctrl-C stops; the same command goes on from there."
	@$(DEMO) -m src.suite suite=demo || [ $$? -eq 1 ]
	@$(DEMO) -m src.suite suite=demo 'tasks=[text_classification,question_answering]' repeats=3 || [ $$? -eq 1 ]
	@$(DEMO) -m src.report
	@echo "Next:  JOULEMARK_HOME=mlruns/demo make ui                   the same runs in MLflow"

pictures: $(READY) ## the example report of docs/ and the pictures of README, anew of what make demo measured (Chromium)
	$(BIN)/python -m docs.site.pictures mlruns/demo

report: $(CORE) ## all runs -> one page that recommends a model and settings: mlruns/reports/all/report.html
	$(BIN)/python -m src.report

docs: $(DOCS) ## the documentation as a site that opens offline: dist/docs/html/index.html; fails at a dead link
	$(BIN)/python -m docs.site.build dist/docs

# Not of make setup: nobody who measures needs it
$(DOCS): $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@

hub-check: $(READY) ## every model and dataset of conf/ against the live Hub, two rows each
	$(BIN)/python -m src.hub_check

# Most tests start processes of their own and wait for them: three at a time, of different files, keep two cores busy;
# the longest files come first (tests/conftest.py)
test: $(READY) $(DOCS) ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## the tests without torch, datasets, servers or processes of their own: about 90 s on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 \
	  -m "not weights and not data and not servers and not processes and not browser and not cluster and not faults and not engines"

test-cluster: $(READY) ## grids and sweeps on a Slurm, a Ray, a PostgreSQL, an MLflow server and hosts of their own (root, Debian)
	@command -v slurmd >/dev/null || ls /usr/sbin/slurmd >/dev/null 2>&1 || \
	  { echo "First: apt install slurm-wlm munge postgresql"; exit 1; }
	$(BIN)/python -m pytest -m cluster tests/sweep/test_real_cluster.py tests/sweep/test_lost_host.py

test-faults: $(READY) ## processes killed, disks filled, replies lost at every stage of a run; writes docs/reliability.md
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m faults tests/faults

ENGINES := $(VENV)/engines
test-engines: $(READY) ## real servers: transformers serve, and llama.cpp compiled from its registry's source (20 minutes, once)
	@test -x $(ENGINES)/bin/python || { $(BIN)/python -m venv $(ENGINES) && \
	  echo "$(CURDIR)/$$(echo $(VENV)/lib/python3*/site-packages)" > $$(echo $(ENGINES)/lib/python3*/site-packages)/joulemark.pth; }
	CMAKE_BUILD_PARALLEL_LEVEL=2 CMAKE_ARGS="-DLLAVA_BUILD=OFF" nice -n 19 $(ENGINES)/bin/python -m pip install --quiet \
	  --constraint constraints.txt openai gguf "llama-cpp-python[server]>=0.3.36,<0.4"
	PYTHONPATH=src:. OMP_NUM_THREADS=1 $(ENGINES)/bin/python -m pytest -m engines tests/engines/test_real_servers.py

fuzz: $(READY) ## ten thousand broken records, foreign files and configurations, drawn anew each time: half an hour
	FUZZ=many OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --timeout 7200 tests/fuzz

check: $(READY) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ui: $(CORE) ## MLflow on http://127.0.0.1:5000, or make ui PORT=5001 (close it before you measure)
	@MLFLOW_TRACKING_URI= $(BIN)/python -m src.ui $(if $(PORT),port=$(PORT))

wheel: $(READY) ## dist/joulemark-….whl: the code, conf/ and Hydra's plugins
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls -l dist/*.whl

# Hashes are those that the index names, for every platform; a build of another index (torch's for processors) has none
lock: $(TOOLS)/bin/uv ## requirements.lock: constraints.txt with the hashes of every file, for pip install --require-hashes
	$(TOOLS)/bin/uv pip compile --quiet --custom-compile-command "make lock" --no-annotate --universal \
	  --python-version 3.11 --generate-hashes --constraint constraints.txt \
	  $(foreach extra,$(subst $(comma), ,$(EXTRAS)),--extra $(extra)) --output-file requirements.lock pyproject.toml
	@awk '/^[^ #]/ {count++; name = $$1; none[name]} /--hash=/ {delete none[name]} \
	  END {for (name in none) left = left " " name; \
	  print "requirements.lock: " count " packages, without a hash:" (left ? left : " none")}' requirements.lock
	@local=$$(ls -d $(VENV)/lib/python*/site-packages/*+*.dist-info 2>/dev/null | sed 's|.*/||; s|\.dist-info||; s|-|==|'); \
	  [ -z "$$local" ] || echo "Not of this index, and so not in it: $$(echo $$local); install those before, and pip leaves them"

sbom: $(READY) $(TOOLS)/bin/uv ## dist/joulemark.cdx.json: what is installed in .venv, as CycloneDX
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment --of JSON --output-reproducible --pyproject pyproject.toml -o dist/joulemark.cdx.json $(BIN)/python

audit: $(TOOLS)/bin/uv ## known advisories about the versions in constraints.txt; fails where it could not ask about one of them
	@$(TOOLS)/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt || \
	  { echo "Not clean: an advisory above, or one that could not be looked up, of which nothing is known"; exit 1; }

$(TOOLS)/bin/uv:
	@$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet "cyclonedx-bom>=7,<8" "pip-audit>=2.9,<3" "uv>=0.9,<1"

clean: ## remove the environment and caches (runs are kept)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
