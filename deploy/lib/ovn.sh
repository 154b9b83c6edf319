# shellcheck shell=bash
# OVN: both databases and northd on the central host, the controller on every host.

# ovn_database nb|sb SCHEMA [REMOTE]
ovn_database() {
    local which=$1 schema=$2 db=$STATE/ovn/ovn$1.db
    shift 2
    ! daemon_alive "ovn$which-server" || return 0
    [ -e "$db" ] || ovsdb-tool create "$db" "/usr/share/ovn/$schema"
    inside ovsdb-server -vconsole:off "$db" --remote="punix:/run/ovn/ovn${which}_db.sock" "$@" --unixctl="/run/ovn/ovn${which}.ctl" \
        --pidfile="$RUN/ovn$which-server.pid" --log-file="$STATE/log/ovn$which-server.log" --detach --no-chdir
}

ovn_up() {
    local remote=unix:/run/ovn/ovnsb_db.sock encap=127.0.0.1 listen=()
    if [ -n "$UNDERLAY" ]; then
        encap=$UNDERLAY_NET.$HOST_INDEX
        listen=(--remote="ptcp:6642:$encap")
    fi
    if [ -n "$CENTRAL" ]; then
        remote=tcp:$CENTRAL:6642
    else
        ovn_database nb ovn-nb.ovsschema
        ovn_database sb ovn-sb.ovsschema "${listen[@]}"
        ovn-nbctl --db="unix:$RUN/ovn/ovnnb_db.sock" --timeout=20 init
        if ! daemon_alive ovn-northd; then
            inside ovn-northd -vconsole:off --ovnnb-db=unix:/run/ovn/ovnnb_db.sock --ovnsb-db=unix:/run/ovn/ovnsb_db.sock \
                --unixctl=/run/ovn/ovn-northd.ctl --pidfile="$RUN/ovn-northd.pid" --log-file="$STATE/log/ovn-northd.log" \
                --detach --no-chdir
        fi
    fi
    daemon_alive ovn-controller && return
    vsctl set open_vswitch . external_ids:ovn-remote="$remote" external_ids:ovn-encap-type=geneve \
        external_ids:ovn-encap-ip="$encap" external_ids:ovn-bridge-datapath-type="$DATAPATH" \
        external_ids:ovn-bridge-mappings=external:br-ext,management:br-mgmt
    # It takes no --unixctl: its folder comes from the environment, and the default is right in here.
    inside ovn-controller -vconsole:off unix:/run/openvswitch/db.sock --pidfile="$RUN/ovn-controller.pid" \
        --log-file="$STATE/log/ovn-controller.log" --detach --no-chdir
}
