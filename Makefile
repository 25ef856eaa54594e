# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# For a machine with Python 3.11 or newer, make and git. Each target sets up what it needs under .build and says so.
# What is done stands in tools/; here are only the names. Variables of the command line (INVENTORY, ARGS) reach the
# tools through the environment.

.DEFAULT_GOAL := help
tool := @sh tools/run.sh
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13
	@echo 'single checks of "make test": $(gates)'

.PHONY: deploy lab
deploy: ## the whole job against the lab; INVENTORY=path: against your own servers (ARGS="--check --diff" and the like)
	$(tool) deploy
lab: ## a lab in the foreground, for trying things by hand; Ctrl-C ends it
	$(tool) lab

.PHONY: test extended killmatrix matrix
test: ## everything that must hold for a change
	$(tool) gates
extended: ## slower: failures, servers, connections, operations and budgets on the lab; the tenant as observed and as documented
	$(tool) gates $@
killmatrix: ## slower: every playbook killed after each of its writes to servers and tenant, and run again
	$(tool) gates $@
matrix: ## slower: every playbook under four versions of ansible-core, the deployment over winrm and psrp, https and http
	$(tool) matrix

.PHONY: test-wine
test-wine: ## the host half against Wine as an independent Windows (says what to install)
	$(tool) wine

gates := format types licences changelog docs lint sanity unit examples release molecule integration
.PHONY: $(gates) typecheck build
$(gates):
	$(tool) gates $@
typecheck: types
build: release

.PHONY: lock fix clean
fix: ## format the Python files and mend what ruff can mend
	$(tool) fix
lock: ## write the locks under requirements/ anew (needs uv on PATH)
	$(tool) lock
clean: ## remove everything the tools made
	rm -rf .build
