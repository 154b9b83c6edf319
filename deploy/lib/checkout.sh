# shellcheck shell=bash
# The checkout and the build in it belong to whoever cloned it, also when quickstart was begun with sudo.

# as_owner COMMAND...: run it as the owner of the checkout, with that user's Rust toolchain.
as_owner() {
    local owner home
    owner=$(stat -c %U "$ROOT")
    home=$(getent passwd "$owner" | cut -d: -f6)
    if [ "$owner" = root ] || [ "$owner" = UNKNOWN ] || [ -z "$home" ]; then
        owner=root
        home=${HOME:-/root}
    fi
    # What this shell finds goes first, unless it is root's shell working for somebody else.
    local path=$PATH:$home/.cargo/bin
    [ "$owner" = root ] || path=$home/.cargo/bin:$PATH
    if [ "$1" = cargo ] && ! PATH=$path command -v cargo >/dev/null; then
        die "no Rust toolchain: cargo is not found for user $owner" "install one (see rust-version in Cargo.toml) and try again"
    fi
    if [ "$owner" = root ]; then
        PATH=$path "$@"
    else
        mkdir -p "$TARGET"
        chown "$owner" "$TARGET"
        runuser -u "$owner" -- env HOME="$home" PATH="$path" ${CARGO_TARGET_DIR:+CARGO_TARGET_DIR="$CARGO_TARGET_DIR"} "$@"
    fi
}
