# shellcheck shell=bash
# Fetching Debian packages into a folder and unpacking them into a sysroot, without root and without installing anything.
# The set is resolved against an empty status file, so it is closed: it brings its own libc, whatever this machine has.

GUEST_USERLAND=(busybox-static dropbear-bin jq nftables qemu-guest-agent)
GUEST_KERNEL=linux-image-cloud-amd64

# apt_private DIR ARG...: apt-get that reads this machine's sources but keeps status, archives and locks in DIR.
apt_private() {
    local dir=$1
    shift
    apt-get -q -y -o Dir::State::status="$dir/status" -o Dir::Cache="$dir" -o Dir::Cache::archives="$dir/archives" \
        -o Debug::NoLocking=true -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null "${APT_LISTS[@]}" "$@"
}

fetch_with_lists() {
    local tmp=$1 kernel
    apt_private "$tmp" --download-only install "${GUEST_USERLAND[@]}" >"$tmp/log" 2>&1 || return 1
    # The kernel's dependencies (initramfs-tools and what follows) are of no use here: the package alone.
    kernel=$(apt-cache "${APT_LISTS[@]}" depends "$GUEST_KERNEL" 2>>"$tmp/log" | awk '$1 == "Depends:" {print $2; exit}')
    [ -n "$kernel" ] || { echo "no package $GUEST_KERNEL in the lists" >>"$tmp/log"; return 1; }
    (cd "$tmp/archives" && apt_private "$tmp" download "$kernel") >>"$tmp/log" 2>&1
}

# fetch_packages DIR: fill DIR with the package files, once.
fetch_packages() {
    local dir=$1 tmp
    [ ! -d "$dir" ] || return 0
    step "fetching Debian packages for the guest"
    tmp=$(mktemp -d "$dir.XXXXXX")
    mkdir -p "$tmp/archives/partial"
    : >"$tmp/status"
    APT_LISTS=()
    if ! fetch_with_lists "$tmp"; then
        # This machine's package lists are missing or out of date; fetch lists of our own, which needs no root either.
        mkdir -p "$tmp/lists/partial"
        APT_LISTS=(-o "Dir::State::lists=$tmp/lists")
        if ! { apt_private "$tmp" update >"$tmp/log" 2>&1 && fetch_with_lists "$tmp"; }; then
            tail -5 "$tmp/log" >&2
            rm -rf "$tmp"
            die "apt-get could not fetch ${GUEST_USERLAND[*]} $GUEST_KERNEL" \
                "apt's answer is above; check the network and /etc/apt, then try again"
        fi
    fi
    rm -rf "$tmp/archives/partial" "$tmp/archives/lock"
    mv -T "$tmp/archives" "$dir"
    rm -rf "$tmp"
}

# unpack_packages DEBS SYSROOT
unpack_packages() {
    local deb
    mkdir -p "$2"
    for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done
}
