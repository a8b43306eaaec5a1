#!/usr/bin/env bash
# Prepares .venv and the machine: `environment.sh demo` or `environment.sh test`, from the top of the checkout.
#
# The Makefile calls it when there is nothing yet or when pyproject.toml has changed. What is missing on the
# machine is installed where this user may (root, or sudo without a password), and otherwise named in one line
# with what is skipped because of it.
set -euo pipefail

purpose=$1

say() { printf 'set-up: %s\n' "$*" >&2; }

# install_packages NAME… by apt; quiet unless it fails. Status 1 when this user may not, or when it went wrong.
install_packages() {
    local as_root=() words
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "installing $*"
    # shellcheck disable=SC2016 # "$@" belongs to the inner shell
    words=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"' sh "$@" 2>&1 </dev/null) && return
    printf '%s\n' "$words" | tail -n 3 >&2
    return 1
}

# The first Python that is new enough and can make virtual environments; PYTHON=… overrules the list.
find_python() {
    local candidates=(python3 python3.13 python3.12 python3.14 python3.11) candidate
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# A .venv is used again unless its Python is gone or too old, its making was cut short, or it was made elsewhere:
# its scripts hold the path of their Python.
venv_is_usable() {
    .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        grep -qF "$(pwd -P)/.venv/bin/python" .venv/bin/pip
}

make_venv() {
    local python
    if ! python=$(find_python); then
        if [ -n "${PYTHON:-}" ] || ! install_packages python3 python3-venv || ! python=$(find_python); then
            say "needs Python 3.11 or newer with its venv module; install one (Debian: python3 python3-venv) or name it: make $purpose PYTHON=/path/to/python3"
            exit 1
        fi
    fi
    "$python" -m venv --clear .venv
}

uv_is_here() { [ -z "${TOOLKIT_WITHOUT_UV:-}" ] && uv --version; } >/dev/null 2>&1

# By uv where it is there, which takes seconds; by pip where it is not, or where only pip knows the registry.
# Says only what went wrong. No standard input: nothing here may ask.
install() {
    if uv_is_here; then
        uv pip install -q --python .venv/bin/python "$@" </dev/null && return
        say "uv could not install them, so pip tries"
    fi
    .venv/bin/python -m pip install -qq "$@" </dev/null
}

install_python_packages() {
    case $purpose in
        demo)
            install -e '.[rapidocr,synthesize,notebook]' || return
            # Apart, so that a machine for which there is no ready-made tesserocr still gets its demo.
            install --only-binary tesserocr -e '.[tesseract]' 2>/dev/null || true
            ;;
        test)
            # 25.1 is the first pip that knows dependency groups. TOOLKIT_LOCKED=1 takes the versions of the lock.
            install 'pip>=25.1' &&
                install ${TOOLKIT_LOCKED:+-c .make/development.lock} -e '.[all]' --group check --group test
            ;;
    esac
}

tesseract_reads_english() {
    .venv/bin/python -c 'import toolkit as tk; tk.Tesseract().versions()' 2>/dev/null
}

chromium_is_here() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
} >/dev/null

# What to say when packages could not be installed: a full disk is the one reason that pip does not name.
why_not_installed() {
    local folder free_kib
    for folder in "${TMPDIR:-/tmp}" .; do
        free_kib=$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
        if [ "${free_kib:-9999999}" -lt 1500000 ]; then
            printf '%s has %s MiB left, and 1500 are needed; free some%s\n' "$folder" "$((free_kib / 1024))" \
                "$([ "$folder" = . ] || printf ', or set TMPDIR to a folder with more')"
            return
        fi
    done
    printf 'see above; is the package registry reachable?\n'
}

install_system_packages() {
    tesseract_reads_english || install_packages tesseract-ocr tesseract-ocr-eng || true
    # The demo needs no more, and says itself, each time it runs, what it goes without.
    [ "$purpose" = test ] || return 0
    chromium_is_here || install_packages chromium || true
    command -v gocr >/dev/null && command -v ocrad >/dev/null || install_packages gocr ocrad || true
    command -v strace >/dev/null || [ "$(uname)" != Linux ] || install_packages strace || true

    local not_here="is missing and could not be installed here"
    tesseract_reads_english ||
        say "Tesseract's English data $not_here (Debian: tesseract-ocr-eng, Homebrew: tesseract): its tests are skipped"
    chromium_is_here ||
        say "Chromium $not_here (Debian: chromium): tests in a browser are skipped"
    command -v strace >/dev/null ||
        say "strace $not_here: the tests that watch what is asked of the network are skipped"
}

if ! venv_is_usable; then
    say "making a virtual environment in .venv"
    make_venv
fi
if uv_is_here; then how="uv, in seconds"; else how="pip, in a minute or two the first time"; fi
say "installing the Python packages for $purpose ($how)"
if ! install_python_packages; then
    say "the Python packages could not be installed: $(why_not_installed)"
    exit 1
fi
install_system_packages
