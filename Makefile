# Each target is one thin line over the `course` command, so that Windows users have the same without make (see README.md).
PYTHON ?= python3
TORCH_INDEX ?=
COURSE := .venv/bin/course

.PHONY: book test check lab exercises clean

book: .venv/installed
	$(COURSE) build

test: .venv/installed
	$(COURSE) test

check: .venv/installed
	$(COURSE) check

lab: .venv/installed
	.venv/bin/jupyter lab chapters

exercises: .venv/installed
	$(COURSE) exercises

clean:
	rm -rf _build

# torch comes first and alone: TORCH_INDEX=https://download.pytorch.org/whl/cpu takes PyTorch's own CPU build.
.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $$(grep '^torch==' requirements.txt)
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
