# Every target works from a fresh clone: each one sets up first, which costs a blink when nothing changed.
.DEFAULT_GOAL := help
SHELL := bash
PY := .venv/bin/python
JOBS ?= 2
ARGS ?=

.PHONY: help setup demo test check bench crash clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## .venv with everything in it, and the dashboard built
	@scripts/setup

demo: setup  ## sample traffic, statistics, and where to look; ARGS=--once ends after printing
	@$(PY) examples/demo.py $(ARGS)

# Tests marked `alone` measure or destroy, so they get the machine to themselves; the rest run in parallel.
test: setup  ## all tests; missing services are skipped, with the reason
	@status=0; \
	$(PY) -m pytest tests -m alone $(ARGS) || { code=$$?; [ $$code = 5 ] || status=$$code; }; \
	$(PY) -m pytest tests -m "not alone" -n $(JOBS) --dist loadfile $(ARGS) || status=$$?; \
	exit $$status

check: setup  ## style, types, import contracts, docs: all of them, even after one has failed
	@status=0; for step in \
		".venv/bin/ruff check ." \
		".venv/bin/ruff format --check ." \
		".venv/bin/mypy --strict src" \
		".venv/bin/lint-imports --no-logo" \
		"$(PY) -m scripts.docs --check" \
		"$(PY) -m scripts.check_tree" \
		"scripts/dashboard --check"; \
	do echo "== $$step"; $$step || status=1; done; exit $$status

bench: setup  ## measures this machine and prints the table of README
	@$(PY) -m bench $(ARGS)

crash: setup  ## kills and power cuts in full dose (takes a while; needs root for the power cuts)
	@EVENTMILL_CRASH_DOSE=full $(PY) -m pytest tests/crash -m "" -v $(ARGS)

clean:  ## everything that the other targets made
	rm -rf web/node_modules src/eventmill/web/static
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +
