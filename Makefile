# Short names for what a developer does. `make` alone lists them.
PYTHON = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help up check test bench soak web docs pictures openapi requirements

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

up: ## Everything on this machine, with demonstration data
	./up

check: ## Lint, types, floor plan and fast tests (no services)
	./test check

test: ## Everything, with the real services
	./test

bench: ## The figures in docs/reference, measured again on this machine
	$(PYTHON) -m bench

soak: ## Ten minutes of launches, kills and restarts, then the books are checked
	$(PYTHON) -m bench.soak

web: ## The web app, built into the package
	$(PYTHON) build_web.py

docs: ## The generated reference pages, then the documentation as a site, links checked
	$(PYTHON) docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict

pictures: ## The pictures of the README, taken again of a real installation
	$(PYTHON) docs/pictures.py

openapi: ## docs/reference/openapi.json and the web app's types made from it
	$(PYTHON) docs/generate.py
	cd web && npm run --silent types

requirements: ## Locked requirement files, renewed
	requirements/compile
