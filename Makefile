# The two commands a newcomer needs: `make run` and `make test`.
PYTHON ?= python3

.PHONY: run test

run:
	@$(PYTHON) packaging/bootstrap.py
	@.venv/bin/medassist demo

test:
	@$(PYTHON) packaging/bootstrap.py --extra test
	@.venv/bin/python -m pytest
