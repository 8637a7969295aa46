# The two commands a newcomer needs: `make run` and `make test`.
PYTHON ?= python3

.PHONY: run test models screenshots tour deb deb-cuda lock

run:
	@$(PYTHON) packaging/bootstrap.py
	@.venv/bin/medassist demo

# Two processes; `make test PYTEST_ADDOPTS="-n 0 -x -s"` is one that shows what it does. pytest alone takes one, too.
test:
	@$(PYTHON) packaging/bootstrap.py --extra test
	@PYTEST_ADDOPTS="-n 2 --dist worksteal $$PYTEST_ADDOPTS" .venv/bin/python -m pytest

# Every shipped model again from the development data in ../shared, compared with its card. Hours; resumes.
models:
	@$(PYTHON) packaging/bootstrap.py --extra train
	@.venv/bin/python packaging/retrain_models.py

# The pictures in docs/screenshots, drawn by the real window under Xvfb. Needs xvfb and, for the hippocampus, the
# development data in ../shared.
SHOT = MEDASSIST_CACHE=$$(mktemp -d) xvfb-run -a -s "-screen 0 1600x1000x24" .venv/bin/medassist open
PAIR = MEDASSIST_CACHE=$$(mktemp -d) xvfb-run -a -s "-screen 0 1600x1000x24" \
  .venv/bin/python packaging/compare_screenshot.py
TALL = MEDASSIST_CACHE=$$(mktemp -d) xvfb-run -a -s "-screen 0 1600x1450x24" .venv/bin/medassist open
CROP = ../shared/data/hippocampus/images/hippocampus_053.nii.gz

screenshots: tour
	for language in en zh_CN; do \
	  $(SHOT) resources/samples/RG1_J2KR.dcm --model chest_xray_findings --explain Cardiomegaly \
	    --language $$language --screenshot docs/screenshots/chest-$$language.png && \
	  $(SHOT) $(CROP) --model hippocampus_mr \
	    --language $$language --screenshot docs/screenshots/hippocampus-$$language.png || exit 1; \
	done
	MEDASSIST_CACHE=$$(mktemp -d) xvfb-run -a -s "-screen 0 1600x1000x24" .venv/bin/python packaging/stamp_screenshot.py \
	  resources/samples/RG1_J2KR.dcm chest_xray_findings Cardiomegaly gradcam guidedbackprop docs/screenshots
	$(PAIR) resources/samples/RG1_J2KR.dcm chest_xray_findings Cardiomegaly gradcam occlusion \
	  docs/screenshots/explain_side_by_side
	for language in en zh_CN; do \
	  $(TALL) resources/samples/RG1_J2KR.dcm --model chest_xray_findings --explain Cardiomegaly --probe hottest \
	    --size 1600x1450 --language $$language --screenshot docs/screenshots/explain_probe_$${language%_CN}.png || exit 1; \
	done

# The window from place to place, in both languages, themes and sizes; what looks cut or untranslated is printed.
tour:
	export MEDASSIST_CACHE=$$(mktemp -d) MEDASSIST_CONFIG=$$(mktemp -d) MEDASSIST_DATA=$$(mktemp -d) && \
	  xvfb-run -a -s "-screen 0 2560x1440x24" .venv/bin/python packaging/tour.py ../shared/data docs/screenshots

# The Debian package, of the CPU flavour: build/medassist_VERSION_amd64.deb. packaging/try_deb.sh tries it in a fresh Debian.
deb:
	packaging/freeze.sh cpu
	build/environment-cpu/bin/python packaging/make_deb.py build/dist build

deb-cuda:
	packaging/freeze.sh cuda
	build/environment-cuda/bin/python packaging/make_deb.py build/dist build --suffix -cuda

# Versions and hashes that packages are built from, after constraints.txt changed.
lock:
	@$(PYTHON) packaging/bootstrap.py
	.venv/bin/python -m pip install --quiet uv
	.venv/bin/python packaging/make_lock.py
