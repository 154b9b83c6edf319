# shellcheck shell=bash
# The sample network service: packages from their sources, a VIM and its host, the service itself, the proof, the report.

# Variables in capitals come from and go to quickstart.
# shellcheck disable=SC2034,SC2153

# The provider networks that the sample NSD describes, and the addresses of their ends outside the VNFs.
OUTSIDE_CIDR=203.0.113.1/24
MGMT_NETWORK=198.51.100.0/24 MGMT_CIDR=198.51.100.1/24
NSD_NAME=demo-ns NS_NAME=demo

mano() { MANO_NFVO=$(url_of nfvo) MANO_VNFM=$(url_of vnfm) "$BIN/mano" "$@"; }

# once WHAT COMMAND-THAT-FINDS-IT... -- COMMAND-THAT-MAKES-IT...: makes what is not there.
once() {
    local what=$1 find=()
    shift
    while [ "$1" != -- ]; do find+=("$1"); shift; done
    shift
    if mano "${find[@]}" >/dev/null 2>&1; then return; fi
    say "  mano $*"
    mano "$@" >/dev/null || die "$what could not be made" "the reason is above; then: deploy/quickstart again"
}

# demo_archives: packages of the two VNFs with the guest image in them, and the NSD's archive.
demo_archives() {
    local to=$STATE/packages from=$ROOT/descriptors/samples v
    mkdir -p "$to"
    for v in edge web; do
        mano vnfpkg build "$from/$v" "$to/$v.csar" --add "Artifacts/Images/vnf.qcow2=$TARGET/guest-image/vnf.qcow2" >/dev/null
    done
    mano nsd build "$from/$NSD_NAME" "$to/$NSD_NAME.zip" >/dev/null
}

# The VIM of hosts, and its host.
demo_hosts() {
    local northbound
    # shellcheck source=/dev/null
    northbound=$(eval "$(nfvi_env)" && echo "$OVN_NB_DB")
    once "the VIM" vim show lab -- vim add hosts --name lab --northbound "$northbound" \
        --external-network external --external-cidr 203.0.113.0/24 --external-gateway 203.0.113.1 --external-pool 203.0.113.200-203.0.113.250
    once "the host" host show host1 -- host add host1 --vim lab --agent "$(url_of nfvi-agent)"
    say "  machines run by $(mano host show host1 -o json | jq -r '.info.facts.acceleration // "unknown"')"
}

ns_state() { mano ns show "$NS_NAME" -o json 2>/dev/null | jq -r '.nsState'; }

demo_up() {
    local state
    if [ "$VIM" = openstack ]; then
        once "the VIM" vim show lab -- vim add openstack --name lab --clouds-yaml "$RUN/openstack/clouds.yaml" --cloud mano \
            --notifications-url-file "$RUN/openstack/notifications-url"
    else
        demo_hosts
    fi
    state=$(ns_state || true)
    if [ "$state" != INSTANTIATED ]; then
        demo_archives
        once "package web" vnfpkg show web -- vnfpkg onboard "$STATE/packages/web.csar"
        once "package edge" vnfpkg show edge -- vnfpkg onboard "$STATE/packages/edge.csar"
        once "the NSD" nsd show "$NSD_NAME" -- nsd onboard "$STATE/packages/$NSD_NAME.zip"
        once "the network service" ns show "$NS_NAME" -- ns create --nsd "$NSD_NAME" --name "$NS_NAME"
        say "  mano ns instantiate $NS_NAME --wait"
        mano ns instantiate "$NS_NAME" --wait || die "the network service could not be instantiated" \
            "mano op list, mano op show ID; then: mano op retry ID, or mano op rollback ID" "services' logs: $STATE/log"
    fi
    demo_proof
}

# Where edge stands on the external network.
edge_address() {
    mano topology "$NS_NAME" -o json | jq -r '
        (.links[] | select(.physicalNetwork == "external") | .networkId) as $n
        | first(.vnfs[] | .vnfcs[] | .ports[] | select(.networkId == $n) | .addresses[] | select(contains(".")) | split("/")[0])'
}

from_outside() { ip netns exec "$OUTSIDE_NETNS" curl -s --noproxy '*' -m 3 "$@"; }

# The guests may still be booting: a request is sent until one comes back.
demo_proof() {
    local address answer i
    address=$(edge_address)
    [ -n "$address" ] || die "edge has no address on the external network" "mano topology $NS_NAME"
    for ((i = 0; i < 360; i++)); do
        if answer=$(from_outside -f "http://$address/"); then
            say "  traffic: http://$address/ from namespace $OUTSIDE_NETNS, through edge, answered by web: $(head -n 1 <<<"$answer")"
            return
        fi
        sleep 0.5
    done
    die "no HTTP answer from http://$address/ within 180 s" "mano vnf log $NS_NAME-edge; mano vnf log $NS_NAME-web"
}

demo_report() {
    local look="virsh, ovs-vsctl and ovn-nbctl look inside" lists="mano host list; virsh list"
    if [ "$VIM" = openstack ]; then look="OpenStack's clients are found" lists="mano vim show lab; openstack server list"; fi
    mano topology "$NS_NAME"
    cat <<EOT

Everything runs ($SECONDS s). Next:
  eval "\$($0 env)"               mano, $look
  ip netns exec $OUTSIDE_NETNS curl http://$(edge_address)/
  mano op list; $lists
  mano vnf log $NS_NAME-web       the serial console
  mano vnf stop $NS_NAME-edge     and the request above fails; start mends it
  mano ns terminate $NS_NAME --wait && mano leaks
  $0 --down
EOT
}

# Ends every network service, for a NFVI that stays when we go.
demo_down() {
    local ns
    service_pid nfvo >/dev/null || { say "the services do not run: what they made in the machine's own libvirt and OVN stays; start quickstart again, then --down"; return; }
    for ns in $(mano ns list -o json | jq -r '.[] | .id'); do
        mano ns terminate "$ns" --wait >/dev/null || say "network service $ns could not be terminated: mano op list"
    done
    mano leaks || true
}
