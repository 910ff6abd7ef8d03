# What .ci/run and .ci/nightly share: the packages, a fresh copy, the Pythons of this machine, and the figures.
# Sourced by both, from the top of the checkout.
# shellcheck shell=bash

export PIP_DISABLE_PIP_VERSION_CHECK=1
export COLUMNS=160 # for the lines of pytest's summary
figures=() failed=()

say() { printf '\n== %s\n' "$*"; }

# Run a part under a name: try 'ruff' command… The next one runs whatever comes of it, for which the caller must have
# `set +e`; its time and the last line that it prints are its figure; what pip remarks of its sources is left out.
try() {
    local name=$1 began=$SECONDS verdict=ok figure
    shift
    say "$name"
    ( set -e; "$@" ) 2>&1 | tee "$work/part.log"
    if [[ ${PIPESTATUS[0]} -ne 0 ]]; then
        verdict=FAILED
        failed+=("$name")
        { say "FAILED: $name"; what_failed "$work/part.log"; } >> "$work/failures.log"
    fi
    figure=$(grep . "$work/part.log" | grep -vE "^(WARNING: )?(Location|Looking in|\\[notice\\])" | tail -n 1)
    figures+=("$(printf '%5d s  %-6s %s: %s' $((SECONDS - began)) $verdict "$name" "$figure")")
}

# Of a log of pytest: the name of each test that failed, its place and what it compared; of any other: its end.
what_failed() {
    local told
    told=$(awk '
        /^=+ (FAILURES|ERRORS) =+$/ { inside = 1; next }
        /^=+ / { inside = 0 }
        inside && /^__+ .* __+$/ { lines = 0; print ""; print; next }
        inside && (/^E   / || /^[^ ]+\.py:[0-9]+: [A-Za-z]/) && ++lines <= 25
        /^(FAILED|ERROR) /' "$1")
    if [[ -n $told ]]; then head -n 400 <<< "$told"; else tail -n 40 "$1"; fi
}

print_figures() {
    say 'Figures'
    printf 'machine: %s cores, %s, %s\n' "$(nproc)" "$(uname -sr)" "$(date --utc +%FT%TZ)"
    printf '%s\n' "${figures[@]}"
}

# Print the figures, and end with 1 when a part failed.
closing() {
    [[ ! -e $work/failures.log ]] || cat "$work/failures.log"
    print_figures
    if [[ ${#failed[@]} -gt 0 ]]; then
        printf 'failed: %s\n' "${failed[@]}"
        exit 1
    fi
    say 'All is well.'
}

install_packages() {
    local wanted missing=() package
    mapfile -t wanted < .ci/packages.txt
    python3 -c 'import ensurepip' 2> /dev/null || wanted+=(python3-venv)
    command -v npm > /dev/null || wanted+=(nodejs npm)
    for package in "${wanted[@]}"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
    done
    # The tests take Exim apart from its package (apt-get download), so the lists must be there in any case.
    compgen -G '/var/lib/apt/lists/*_Packages*' > /dev/null || apt-get update -qq
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "apt-get install ${missing[*]}"
    (
        quiet=/usr/sbin/policy-rc.d # the packages' own services stay off: the tests start theirs
        if [[ ! -e $quiet ]]; then
            trap 'rm -f "$quiet"' EXIT
            printf '#!/bin/sh\nexit 101\n' > "$quiet"
            chmod +x "$quiet"
        fi
        debconf-set-selections <<< 'postfix postfix/main_mailer_type select Local only'
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}"
    )
}

# Copy what git knows, and what is new and not ignored, into a folder.
copy_checkout() {
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory "$1"
}

# The lines of the sh blocks under README's "## Try it".
try_it() {
    awk '/^## /{here = ($0 == "## Try it")} /^```/{block = here && $0 == "```sh"; next} block' README.md
}

# What tests/message/test_outside.py asks how it reads our messages
readers() {
    npm install --silent --no-audit --no-fund --prefix tests/readers
    echo "$(find tests/readers/node_modules -maxdepth 1 -mindepth 1 -not -name '.*' | wc -l) packages"
}

# "3.12 /path/to/python" for each CPython from 3.11 on that is there, one for each minor version: on the PATH, or
# under pyenv, whose versions are on no PATH (its shims fail for what is not chosen).
pythons() {
    local minor candidate
    for minor in 11 12 13 14 15; do
        for candidate in "$(command -v "python3.$minor" || true)" \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor."*/bin/python \
            "$HOME/.pyenv/versions/3.$minor."*/bin/python; do
            [[ -x $candidate ]] || continue
            [[ $("$candidate" -c "$which_python" 2> /dev/null) == "cpython 3.$minor" ]] || continue
            echo "3.$minor $candidate"
            break
        done
    done
}
which_python='import sys, ensurepip, ssl; print(sys.implementation.name, "%d.%d" % sys.version_info[:2])'

# Make an environment with what the tests need, from the pyproject.toml of the current folder: with_tools DIR PYTHON
with_tools() {
    "$2" -m venv "$1"
    "$1/bin/pip" install --quiet --upgrade pip
    "$1/bin/pip" install --quiet --group dev --group plots
}

# Fail when the report of a run names a skipped test: what cannot run there must be left out by name, with its reason.
none_skipped() {
    if grep -q '<skipped' "$1"; then
        grep -o '<skipped[^>]*>' "$1" | sort | uniq -c >&2
        echo 'A test was skipped; see the summary above. Here every test must run.' >&2
        return 1
    fi
}
