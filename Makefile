# The two commands are `make book` and `make test`; `make help` lists the rest.
# PYTHON, VENV and OUT (where _build goes) may be given: make book VENV=/somewhere/venv

PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
VENV   ?= .venv
BENCH  ?= .venv-bench
NT     ?= $(BENCH)-nt/bin/python
NT_JAX := jax==0.4.25 jaxlib==0.4.25 numpy==1.26.4 scipy==1.12.0 frozendict
OUT    ?= .
PORT   ?= 8000

BIN    := $(VENV)/bin
# What is installed: what a reader needs, and on top of it what the tests need.
READER := $(VENV)/.book-installed
READY  := $(VENV)/.test-installed
HTML   := $(OUT)/_build/html
BUILT  := $(OUT)/_build/.up-to-date
CODE   := lrnn_helpers tests tools benchmarks book/_ext
BUILD  := $(BIN)/jupyter-book build --path-output $(OUT)

# Compiled packages start several times faster, and tiny matrices are slower with two threads than with one.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONHASHSEED := 0
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export BOOK_HTML := $(abspath $(HTML))

SOURCES = $(shell find book lrnn_helpers -type f ! -path '*/__pycache__/*' ! -path '*/.*') _config.yml _toc.yml pyproject.toml

.PHONY: book test site lint serve pdf measure html-chapter notebooks ledger mutants mutant-table seal plain bench lock owner clean help
.DEFAULT_GOAL := book

book: $(BUILT)  ## build the book and print where it is
	@echo "The book is at $(abspath $(HTML))/index.html"

$(BUILT): $(READER) $(SOURCES)
	@$(BIN)/python tools/notebooks.py stale || echo "warning: these pages show old outputs; run: make notebooks"
	$(BUILD) --quiet . >/dev/null
	@touch $@

test: $(READY) lint  ## everything: lint, tests, every notebook run again, a strict full build, a browser
	$(BIN)/pytest -q -n 2 --ignore-glob 'tests/test_site*.py'
	$(BIN)/pytest -q --nbval --nbval-current-env --nbval-cell-timeout 600 -n 2 --dist loadscope book
	$(MAKE) --no-print-directory site
	$(BIN)/pytest -q -n 2 -rs tests/test_site*.py

# What is published. From nothing: an incremental build can be green on a bad reference, and keeps pages that nothing
# makes any more. Outputs that are not those of their chapter stop it.
site: $(READER)
	$(BIN)/python tools/notebooks.py stale
	rm -rf $(HTML)
	$(BUILD) --all -W -n --keep-going --quiet . >/dev/null
	@touch $(BUILT)

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

serve: book  ## show the book at http://127.0.0.1:8000 (PORT=...)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

pdf: $(READY) book  ## one PDF of the book, with contents and links (needs Chromium)
	$(BIN)/python tools/take_away.py pdf $(HTML) $(OUT)/_build/book.pdf

measure: $(READY) book  ## measures of the built book: heights, shares of code and output, weights (needs Chromium)
	$(BIN)/python tools/measure.py $(HTML)

html-chapter: book  ## one HTML file of a chapter, to send or to keep: make html-chapter NAME=results/stability
	@test -n "$(NAME)" || { echo "say which chapter: make html-chapter NAME=results/stability"; exit 1; }
	$(BIN)/python tools/take_away.py html $(HTML) $(NAME) $(OUT)/_build/$(notdir $(NAME)).html

notebooks: $(READER)  ## write the .ipynb whose .md has changed (NAMES="setup ..." or NAMES=all forces)
	$(BIN)/python tools/notebooks.py write $(NAMES)

ledger: $(READER)  ## write the ledger's totals into the README, and errata.yml
	$(BIN)/python -m lrnn_helpers.ledger readme
	$(BIN)/python -m lrnn_helpers.ledger errata

mutant-table: $(READER)  ## write the table that the explorer of mutants shows, after a change of its checks
	$(BIN)/python tools/mutant_table.py >/dev/null

mutants: $(READY)  ## plant errors in the package and report which its tests miss (ROOMS="modes ntk" SAMPLE=40)
	nice $(BIN)/python tools/mutation.py $(ROOMS) $(if $(SAMPLE),--sample $(SAMPLE))

seal: $(READER)  ## after reading equation and function side by side: seal them
	$(BIN)/python -m lrnn_helpers.ledger seal

$(READER): constraints.txt pyproject.toml tools/python_version.py
	@test -x $(BIN)/pip || test -n "$(PYTHON)" || { echo "Python 3.11 is needed and no python was found"; exit 1; }
	@test -x $(BIN)/pip || { $(PYTHON) tools/python_version.py && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python tools/python_version.py
	@echo "Installing the lock: about 2 GB, a few minutes the first time"
	@$(BIN)/python -m pip install -qq -c constraints.txt setuptools wheel
	@$(BIN)/python -m pip install -qq -c constraints.txt --no-build-isolation -e '.[book]'
	@touch $@

$(READY): $(READER)
	@$(BIN)/python -m pip install -qq -c constraints.txt --no-build-isolation -e '.[test]'
	@touch $@

plain:  ## install the package's wheel without extras into an empty environment, and use it there (PYTHON=...)
	$(PYTHON) tests/plain_install.py

bench: $(BENCH)/.lock-installed $(NT)  ## measure against the peers, in environments of their own (ARGS="--quick", ARGS="--only flow")
	$(BENCH)/bin/python -m benchmarks $$(test -x $(NT) && echo --neural-tangents $(NT)) $(ARGS)

# neural-tangents needs a jax of its time. Where that cannot be had, its tables stay as they were recorded.
$(NT):
	@{ $(PYTHON) -m venv $(BENCH)-nt && $(NT) -m pip install -qq $(NT_JAX) \
	  && $(NT) -m pip install -qq --no-deps neural-tangents==0.6.5; } \
	  || { rm -rf $(BENCH)-nt; echo "no environment for neural-tangents here: measuring without it"; }

$(BENCH)/.lock-installed: constraints.txt pyproject.toml tools/python_version.py
	@test -x $(BENCH)/bin/pip || { $(PYTHON) tools/python_version.py && $(PYTHON) -m venv $(BENCH); }
	@$(BENCH)/bin/python -m pip install -qq -c constraints.txt setuptools wheel
	@$(BENCH)/bin/python -m pip install -qq -c constraints.txt --no-build-isolation -e '.[bench]'
	@touch $@

lock: $(READY)  ## write constraints.txt from what is installed (after an upgrade)
	$(BIN)/python tools/lock.py > constraints.new
	mv constraints.new constraints.txt
	@touch $(READER) $(READY)

owner: $(READER)  ## carry address and authors from _config.yml to the files that repeat them
	$(BIN)/python tools/owner.py

clean:  ## remove what was built; the virtual environment stays
	rm -rf $(OUT)/_build .pytest_cache .ruff_cache .hypothesis
	find . -path './.venv*' -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -print | xargs rm -rf

help:
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1 \t/' | expand -t 22
