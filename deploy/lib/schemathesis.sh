# shellcheck shell=bash
# Sourced: find_schemathesis TARGET INSTALL - exports MANO_SCHEMATHESIS, after installing it into TARGET/tools when INSTALL
# is not empty and it is not there. A variable set already stays.
find_schemathesis() {
    [ -z "${MANO_SCHEMATHESIS:-}" ] || return 0
    local place=$1/tools/schemathesis
    if [ ! -e "$place/complete" ] && [ -n "$2" ]; then
        step "installing schemathesis, once, into $place"
        rm -rf "$place"
        if python3 -m venv "$place" && "$place/bin/pip" install -q --disable-pip-version-check --retries 2 --timeout 20 \
            schemathesis==4.32.5; then
            touch "$place/complete"
        else
            say "it cannot be installed: its tests are skipped"
        fi
    fi
    [ ! -e "$place/complete" ] || export MANO_SCHEMATHESIS=$place/bin/schemathesis
}
