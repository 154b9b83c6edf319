# shellcheck shell=bash
# Which networks this machine already uses.

# network_in_use CIDR: prints a route of this machine that clashes with it, nothing when there is none.
network_in_use() {
    { ip -4 route show root "$1"; ip -4 route show match "$1"; } | awk '$1 != "default" && !told++'
}
