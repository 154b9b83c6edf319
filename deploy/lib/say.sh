# shellcheck shell=bash
# What every script under deploy/ says and how it gives up: one line to standard error, what failed and how to mend it.

say() { printf '%s\n' "$*" >&2; }

# step TEXT: a heading of the work going on, with the seconds since the script began.
step() { printf '[%3ds] %s\n' "$SECONDS" "$*" >&2; }

# die TEXT [HINT...]: stop; each further argument is a line of help.
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    local hint
    for hint in "$@"; do printf '    %s\n' "$hint" >&2; done
    exit 1
}

# usage_from FILE: print the comment block that opens a script, which is its help.
usage_from() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p;}}' "$1"; }

# need_value OPTION "$@": fail unless an option that takes a value has one.
need_value() { if [ $# -lt 3 ] || [ -z "$3" ]; then die "$1 needs a value" "see --help"; fi; }

# need_commands PACKAGE-HINT COMMAND...: name every missing program at once.
need_commands() {
    local hint=$1 missing=() c
    shift
    for c in "$@"; do command -v "$c" >/dev/null || missing+=("$c"); done
    [ ${#missing[@]} -eq 0 ] || die "missing programs: ${missing[*]}" "$hint"
}
