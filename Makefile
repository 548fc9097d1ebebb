# .venv holds the tools, .build the collection under its full name; `make help` lists the targets.
# PYTHON is looked up only when .venv has to be made.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
STEPS ?=

VENV := .venv
LINK := .build/ansible_collections/netops/cloudflare_cni
AWX := .build/awx/ansible_collections/awx
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo check test test-all soak contract mutants matrix netbox bench docs dist venv lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.demo $(LINK)  ## Provision two circuits on the simulator, twice, and show the results
	@$(VENV)/bin/python docs/examples/demo.py

check: venv  ## Linters, and the tests that start no process, for while you write: a minute
	@$(VENV)/bin/python tests/run check

test: venv  ## Run every check; STEPS="units sanity" runs only those
	@$(VENV)/bin/python tests/run $(STEPS)

contract: $(VENV)/.demo  ## Compare the simulator's contract with the newest SDK on PyPI
	@$(VENV)/bin/python tests/tools/contract.py

mutants: $(VENV)/.mutants $(LINK)  ## Mutation testing of the engine by its unit tests: half an hour
	@rm -rf .build/mutmut && mkdir .build/mutmut
	@ln -s ../../pyproject.toml ../../tests ../ansible_collections .build/mutmut
	@cd .build/mutmut && ulimit -v 4000000 && nice $(CURDIR)/$(VENV)/bin/mutmut run --max-children 2
	@cd .build/mutmut && $(CURDIR)/$(VENV)/bin/python tests/tools/mutants.py

matrix: venv  ## What touches Ansible, on every release of ansible-core that this machine has a Python for
	@$(VENV)/bin/python tests/run matrix

netbox: venv  ## The playbooks for NetBox on a real one, which is installed into .build/netbox: some minutes the first time
	@$(VENV)/bin/python tests/run netbox

docs: venv  ## Build the manual, .build/site/html/index.html: the guides, and the reference of every plugin and role
	@$(VENV)/bin/python docs/site/build.py

dist: venv  ## Build the collection, and the text of its release, into .build/dist
	@rm -rf .build/dist && mkdir .build/dist
	@$(VENV)/bin/antsibull-changelog generate --only-latest --output .build/dist/release.md
	@$(VENV)/bin/ansible-galaxy collection build --output-path .build/dist

bench: $(VENV)/.bench $(LINK)  ## What a fleet costs by playbook, role, uri and SDK, into docs/: half an hour on a quiet machine
	@$(VENV)/bin/python tests/benchmark --write

soak: $(VENV)/.test $(LINK)  ## A fleet of 1,000 circuits for hours of simulated time, into docs/reliability.md
	@$(VENV)/bin/python tests/reliability --only soak --write

test-all: test  ## Every check, the whole fault matrix, and an end of the playbooks at each request
	@$(VENV)/bin/python tests/reliability

venv: $(VENV)/.test $(LINK) $(AWX)  ## Install the demo's and the tests' requirements into .venv

lock: venv  ## Pin requirements/*.txt anew, for every supported Python at once
	$(VENV)/bin/python -m pip install --quiet uv
	cd requirements && ../$(VENV)/bin/uv pip compile $(LOCK) test.in -o test.txt
	cd requirements && ../$(VENV)/bin/uv pip compile $(LOCK) -c test.txt demo.in -o demo.txt
	cd requirements && ../$(VENV)/bin/uv pip compile $(LOCK) -c test.txt mutants.in -o mutants.txt
	cd requirements && ../$(VENV)/bin/uv pip compile $(LOCK) -c test.txt bench.in -o bench.txt
	cd requirements && ../$(VENV)/bin/uv pip compile $(LOCK_NETBOX) netbox.in -o netbox.txt

clean:  ## Remove .venv, .build and the tests' output
	rm -rf $(VENV) .build tests/output

# The options are in the header of each file too: Dependabot takes them from there.
PYTHONS := --universal --python-version 3.10
LOCK := --quiet --upgrade $(PYTHONS) --no-annotate --custom-compile-command 'make lock ($(PYTHONS))'
NETBOX := --universal --python-version 3.12 --no-emit-package psycopg-c
LOCK_NETBOX := --quiet --upgrade $(NETBOX) --no-annotate --custom-compile-command 'make lock ($(NETBOX))'

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer is needed: none found. Name one with: make PYTHON=/path/to/python3"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed: $(PYTHON) is not, or does not start."; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "$(PYTHON) cannot make virtual environments (on Debian and Ubuntu: apt-get install python3-venv)."; exit 1; } >&2
	@echo "Installing into $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.demo $(VENV)/.test $(VENV)/.mutants $(VENV)/.bench: $(VENV)/.%: requirements/%.txt | $(VENV)/bin/python
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/.test: $(VENV)/.demo
$(VENV)/.mutants $(VENV)/.bench: $(VENV)/.test

# Beside the collection, not in the path of its tools: only the tests that need it name the folder.
$(AWX): requirements/awx.txt | $(VENV)/bin/python
	@rm -rf .build/awx
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.12 -d .build/awx -r $<
	@cd .build/awx && $(CURDIR)/$(VENV)/bin/python -c 'import glob, zipfile; wheel = zipfile.ZipFile(*glob.glob("*.whl")); \
		wheel.extractall(members=[name for name in wheel.namelist() if name.startswith(("ansible_collections/awx/", "ansible_collections/netbox/"))])'
	@rm .build/awx/*.whl && touch $@

$(LINK):
	@mkdir -p $(@D)
	@ln -s ../../.. $@
