#!/usr/bin/env bash
# Gradescope runs this once, as root on Ubuntu, when the zip is uploaded. Each submission starts from what it leaves behind.
set -euo pipefail
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive
torch_index=${TORCH_INDEX-https://download.pytorch.org/whl/cpu} # PyTorch's own CPU build; empty: where pip looks anyway

find_python() {
  for python in python3.12 python3.13 python3.11 python3; do
    "$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2> /dev/null && return
  done
  return 1
}

add_python() {
  apt-get update -qq && apt-get install -qq python3.12 python3.12-venv && find_python
}

add_from_elsewhere() { # older releases of Ubuntu have only older ones
  apt-get install -qq software-properties-common && add-apt-repository --yes ppa:deadsnakes/ppa && add_python
}

install() {
  .venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check "$@"
}

find_python || add_python || add_from_elsewhere || { echo "there is no Python 3.11 to 3.13, and none to be had" >&2; exit 1; }
"$python" -m venv .venv
install ${torch_index:+--index-url "$torch_index"} "$(grep '^torch==' package/requirements.txt)"
# Students' code may read .venv. Installed as it lies, the package and its checks stay outside.
install --constraint package/requirements.txt --editable ./package

# A rehearsal, with the empty exercise: it compiles all that a run imports, and says here whether a sandbox can be set up.
mkdir -p rehearsal/submission
ln -sfn .. rehearsal/source
cp course/exercises/*.ipynb rehearsal/submission
cp run_autograder rehearsal
bash rehearsal/run_autograder || echo "The rehearsal failed. Hand something in yourself before your students do." >&2
rm -r rehearsal
