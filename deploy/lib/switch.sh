# shellcheck shell=bash
# Open vSwitch: its database, its daemon and the bridges for the two physical networks.

# The kernel's datapath where there is one; otherwise the one in userspace, of which a network namespace has room for one.
switch_decide() {
    [ "$DATAPATH" = auto ] || return 0
    if [ -d /sys/module/openvswitch ] || modprobe -q openvswitch 2>/dev/null; then DATAPATH=system; else DATAPATH=netdev; fi
}

vsctl() { ovs-vsctl --db="unix:$RUN/openvswitch/db.sock" --timeout=20 "$@"; }

# add_bridge NAME [-- MORE VSCTL COMMANDS...]
add_bridge() {
    local b=$1
    shift
    vsctl --may-exist add-br "$b" -- set bridge "$b" datapath_type="$DATAPATH" "$@"
}
add_port() { vsctl --may-exist add-port "$1" "$2"; }

# Further settings of the switch, which its daemon must find when it starts.
SWITCH_SETTINGS=()

switch_up() {
    local db=$STATE/openvswitch/conf.db
    if ! daemon_alive ovsdb-server; then
        [ -e "$db" ] || ovsdb-tool create "$db" /usr/share/openvswitch/vswitch.ovsschema
        inside ovsdb-server -vconsole:off "$db" --remote=punix:/run/openvswitch/db.sock --unixctl=/run/openvswitch/ovsdb-server.ctl \
            --pidfile="$RUN/ovsdb-server.pid" --log-file="$STATE/log/ovsdb-server.log" --detach --no-chdir
        vsctl --no-wait init
        vsctl --no-wait set open_vswitch . external_ids:system-id="$NAME" external_ids:hostname="$NAME" "${SWITCH_SETTINGS[@]}"
    fi
    if ! daemon_alive ovs-vswitchd; then
        inside ovs-vswitchd -vconsole:off unix:/run/openvswitch/db.sock --unixctl=/run/openvswitch/ovs-vswitchd.ctl \
            --pidfile="$RUN/ovs-vswitchd.pid" --log-file="$STATE/log/ovs-vswitchd.log" --detach --no-chdir
    fi
    add_bridge br-int -- set bridge br-int fail-mode=secure other-config:disable-in-band=true
    add_bridge br-ext
    add_bridge br-mgmt
}
