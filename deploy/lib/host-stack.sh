# shellcheck shell=bash
# The machine's own libvirt, Open vSwitch and OVN in the place of a private NFVI: what is added to them, and how it is
# taken away again. All that was changed is written to RUN/host-stack.env before it is changed.

# Bridges of ours, and the physical networks they stand for.
HOST_BRIDGES=(br-mano-ext:external br-mano-mgmt:management)

host_vsctl() { ovs-vsctl --timeout=10 "$@"; }
host_id_get() { host_vsctl --if-exists get open_vswitch . "external_ids:$1" | tr -d '"'; }

# Names every piece that is missing.
host_stack_complete() {
    local missing=() b
    [ -d /run/systemd/system ] || missing+=("systemd does not run this machine")
    virsh -q -c qemu:///system version >/dev/null 2>&1 || missing+=("libvirt does not answer on qemu:///system")
    if host_vsctl show >/dev/null 2>&1; then
        for b in "${HOST_BRIDGES[@]}"; do
            if [[ ,$(host_id_get ovn-bridge-mappings) = *,"${b#*:}":* ]]; then
                missing+=("OVN already has a physical network ${b#*:} here")
            fi
        done
    else
        missing+=("Open vSwitch does not answer on /run/openvswitch/db.sock")
    fi
    ovn-nbctl --timeout=5 show >/dev/null 2>&1 || missing+=("OVN's northbound database does not answer on /run/ovn/ovnnb_db.sock")
    ovn-sbctl --timeout=5 show >/dev/null 2>&1 || missing+=("OVN's southbound database does not answer on /run/ovn/ovnsb_db.sock")
    ovs-appctl -t ovn-controller version >/dev/null 2>&1 || [ -n "$(pidof ovn-controller)" ] || missing+=("ovn-controller does not run")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "the machine's own stack cannot be used, a private one takes its place:"
    local m
    for m in "${missing[@]}"; do say "    $m"; done
    return 1
}

# What ovn-controller needs to know and a fresh Debian does not tell it.
host_stack_ids() {
    cat <<EOT
ovn-remote unix:/run/ovn/ovnsb_db.sock
ovn-encap-type geneve
ovn-encap-ip 127.0.0.1
system-id $(hostname)
EOT
}

host_stack_up() {
    local key value b mappings ids_set=() datapath taken
    if [ ! -e "$RUN/host-stack.env" ]; then
        taken=$(network_in_use "$MGMT_NETWORK")
        [ -z "$taken" ] || die "the management network $MGMT_NETWORK is in use on this machine: $taken" \
            "without --use-host it can be kept in a namespace of its own"
        while read -r key value; do [ -n "$(host_id_get "$key")" ] || ids_set+=("$key"); done < <(host_stack_ids)
        printf 'IDS_SET=(%s)\nMAPPINGS_BEFORE=%q\nOUTSIDE=%q\n' "${ids_set[*]}" "$(host_id_get ovn-bridge-mappings)" "$NAME-outside" >"$RUN/host-stack.env"
    fi
    local IDS_SET MAPPINGS_BEFORE OUTSIDE
    # shellcheck source=/dev/null
    . "$RUN/host-stack.env"
    for key in "${IDS_SET[@]}"; do
        value=$(host_stack_ids | awk -v k="$key" '$1 == k {print $2}')
        host_vsctl set open_vswitch . "external_ids:$key=\"$value\""
    done
    datapath=$(host_vsctl --if-exists get bridge br-int datapath_type | tr -d '"')
    mappings=$MAPPINGS_BEFORE
    for b in "${HOST_BRIDGES[@]}"; do
        host_vsctl --may-exist add-br "${b%:*}" -- set bridge "${b%:*}" "datapath_type=${datapath:-system}"
        ip link set "${b%:*}" up
        mappings+=${mappings:+,}${b#*:}:${b%:*}
    done
    host_vsctl set open_vswitch . "external_ids:ovn-bridge-mappings=\"$mappings\""
    ip addr replace "$MGMT_CIDR" dev br-mano-mgmt
    if [ ! -e "/run/netns/$OUTSIDE" ]; then
        ip netns add "$OUTSIDE"
        ip -n "$OUTSIDE" link set lo up
        ip -n "$OUTSIDE" link add eth0 type veth peer name mano-outside netns $$
        ip netns exec "$OUTSIDE" ethtool -K eth0 tx off >/dev/null
        ethtool -K mano-outside tx off >/dev/null
        ip -n "$OUTSIDE" addr add "$OUTSIDE_CIDR" dev eth0
        ip -n "$OUTSIDE" link set eth0 up
        ip link set mano-outside up
    fi
    host_vsctl --may-exist add-port br-mano-ext mano-outside
}

host_stack_down() {
    [ -e "$RUN/host-stack.env" ] || return 0
    local IDS_SET MAPPINGS_BEFORE OUTSIDE key b
    # shellcheck source=/dev/null
    . "$RUN/host-stack.env"
    if [ -n "$MAPPINGS_BEFORE" ]; then
        host_vsctl set open_vswitch . "external_ids:ovn-bridge-mappings=\"$MAPPINGS_BEFORE\""
    else
        host_vsctl remove open_vswitch . external_ids ovn-bridge-mappings
    fi
    for b in "${HOST_BRIDGES[@]}"; do host_vsctl --if-exists del-br "${b%:*}"; done
    for key in "${IDS_SET[@]}"; do host_vsctl remove open_vswitch . external_ids "$key"; done
    [ ! -e "/run/netns/$OUTSIDE" ] || ip netns del "$OUTSIDE"
    rm -f "$RUN/host-stack.env"
}
