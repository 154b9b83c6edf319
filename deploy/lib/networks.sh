# shellcheck shell=bash
# What stands around an NFVI's bridges: the client outside, the management end, and the bridges between several hosts.
#
# Every veth has its transmit offload switched off: the userspace datapath forwards partial checksums unfinished, so that
# ping would work and TCP would hang.

# "198.51.100.1/24" -> "198.51.100.0/24"
network_of() {
    local a b c d n=${1#*/} ip mask
    IFS=. read -r a b c d <<<"${1%/*}"
    ip=$(((a << 24) | (b << 16) | (c << 8) | d))
    mask=$((n == 0 ? 0 : (0xffffffff << (32 - n)) & 0xffffffff))
    ip=$((ip & mask))
    echo "$((ip >> 24 & 255)).$((ip >> 16 & 255)).$((ip >> 8 & 255)).$((ip & 255))/$n"
}

networks_decide() {
    local taken
    if [ -n "$MGMT_ROOT" ]; then
        if [ -z "$MGMT_DEV" ]; then
            MGMT_DEV=mgmt-$NAME
            [ ${#MGMT_DEV} -le 15 ] || MGMT_DEV=mg$(cksum <<<"$NAME" | cut -d' ' -f1)
        fi
        [ ! -e "/sys/class/net/$MGMT_DEV" ] || die "this machine already has an interface $MGMT_DEV" "give another by --mgmt-dev"
        taken=$(network_in_use "$(network_of "$MGMT_CIDR")")
        [ -z "$taken" ] || die "the management network $(network_of "$MGMT_CIDR") is in use on this machine: $taken" \
            "give another by --mgmt-cidr, or keep it in a namespace by --mgmt-netns"
    else
        : "${MGMT_NETNS:=$NAME-mgmt}" "${MGMT_DEV:=mgmt0}"
        [ -e "/run/netns/$MGMT_NETNS" ] || MGMT_NETNS_MADE=1
    fi
    local ns
    for ns in "$NAME" "$NAME-outside"; do
        [ ! -e "/run/netns/$ns" ] || die "network namespace $ns exists already" "give another --name, or remove it: ip netns del $ns"
    done
}

in_mgmt() { if [ -n "$MGMT_NETNS" ]; then ip netns exec "$MGMT_NETNS" "$@"; else "$@"; fi; }

# veth_pair NS1 DEV1 NS2 DEV2 [MTU]: up on both sides; NS2 may be empty for the machine's own namespace.
veth_pair() {
    local n1=$1 d1=$2 n2=$3 d2=$4 mtu=${5:-1500} run2=()
    [ -z "$n2" ] || run2=(ip netns exec "$n2")
    if ip -n "$n1" link show "$d1" >/dev/null 2>&1; then return; fi
    ip -n "$n1" link add "$d1" mtu "$mtu" type veth peer name "$d2" mtu "$mtu" netns "${n2:-$$}"
    # No addresses but those given here.
    "${run2[@]}" sysctl -q -w "net.ipv6.conf.$d2.accept_ra=0"
    ip netns exec "$n1" sysctl -q -w "net.ipv6.conf.$d1.disable_ipv6=1"
    ip netns exec "$n1" ethtool -K "$d1" tx off >/dev/null
    "${run2[@]}" ethtool -K "$d2" tx off >/dev/null
    ip -n "$n1" link set "$d1" up
    "${run2[@]}" ip link set "$d2" up
}

# The interfaces that the bridges will hold.
networks_prepare() {
    if [ -n "$UNDERLAY" ]; then underlay_join; fi
    [ -z "$CENTRAL" ] || return 0
    [ -e "/run/netns/$NAME-outside" ] || ip netns add "$NAME-outside"
    ip -n "$NAME-outside" link set lo up
    veth_pair "$NAME" outside0 "$NAME-outside" eth0
    ip -n "$NAME-outside" addr replace "$OUTSIDE_CIDR" dev eth0
    if [ -n "$MGMT_NETNS" ] && [ ! -e "/run/netns/$MGMT_NETNS" ]; then
        ip netns add "$MGMT_NETNS"
        ip -n "$MGMT_NETNS" link set lo up
    fi
    veth_pair "$NAME" mgmtend0 "$MGMT_NETNS" "$MGMT_DEV"
    in_mgmt ip addr replace "$MGMT_CIDR" dev "$MGMT_DEV"
}

networks_up() {
    if [ -n "$UNDERLAY" ]; then
        add_port br-ext extlink0
        add_port br-mgmt mgmtlink0
        underlay_address
    fi
    [ -z "$CENTRAL" ] || return 0
    add_port br-ext outside0
    add_port br-mgmt mgmtend0
}

# Namespaces that are ours alone went with namespace_down, and their veths with them.
networks_down() {
    if [ -z "$MGMT_NETNS" ]; then
        ip link del "$MGMT_DEV" 2>/dev/null || true
    elif [ -n "$MGMT_NETNS_MADE" ] && [ -e "/run/netns/$MGMT_NETNS" ]; then
        # shellcheck disable=SC2046
        stop_pids 2 $(ip netns pids "$MGMT_NETNS")
        ip netns del "$MGMT_NETNS"
    elif [ -e "/run/netns/$MGMT_NETNS" ]; then
        ip -n "$MGMT_NETNS" link del "$MGMT_DEV" 2>/dev/null || true
    fi
    [ -z "$UNDERLAY" ] || underlay_leave
}

# Several hosts: three bridges in a namespace of their own, one for tunnels and one for each physical network, which
# every host then has in common.
UNDERLAY_BRIDGES=(ul ext mgmt)
UNDERLAY_NET=10.199.0

underlay_join() {
    local b
    if [ ! -e "/run/netns/$UNDERLAY" ]; then
        ip netns add "$UNDERLAY"
        ip -n "$UNDERLAY" link set lo up
        for b in "${UNDERLAY_BRIDGES[@]}"; do
            ip -n "$UNDERLAY" link add "br-$b" mtu 9000 type bridge forward_delay 0 mcast_snooping 0
            ip -n "$UNDERLAY" link set "br-$b" up
        done
    fi
    veth_pair "$NAME" underlay0 "$UNDERLAY" "ul-$HOST_INDEX" 9000
    veth_pair "$NAME" extlink0 "$UNDERLAY" "ext-$HOST_INDEX"
    veth_pair "$NAME" mgmtlink0 "$UNDERLAY" "mgmt-$HOST_INDEX"
    for b in "${UNDERLAY_BRIDGES[@]}"; do ip -n "$UNDERLAY" link set "$b-$HOST_INDEX" master "br-$b"; done
}

# The userspace datapath finds its tunnel endpoint only on a bridge of its own that holds the uplink.
underlay_address() {
    local dev=underlay0
    if [ "$DATAPATH" = netdev ]; then
        dev=br-underlay
        add_bridge br-underlay -- set interface br-underlay mtu_request=9000
        add_port br-underlay underlay0
    fi
    ip -n "$NAME" addr replace "$UNDERLAY_NET.$HOST_INDEX/16" dev $dev
    ip -n "$NAME" link set $dev up
}

underlay_leave() {
    [ -e "/run/netns/$UNDERLAY" ] || return 0
    # The kernel takes its time with the devices of a removed namespace, so ours are removed by name.
    local b
    for b in "${UNDERLAY_BRIDGES[@]}"; do ip -n "$UNDERLAY" link del "$b-$HOST_INDEX" 2>/dev/null || true; done
    [ -n "$(ip -n "$UNDERLAY" -o link show type veth)" ] || ip netns del "$UNDERLAY"
}
