# shellcheck shell=bash
# The Debian packages that building and running need, and how they are installed without starting any of their daemons.
# shellcheck disable=SC2034

PACKAGES_RUN=(qemu-system-x86 qemu-utils seabios ipxe-qemu libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients
    openvswitch-switch ovn-central ovn-host nftables ethtool iproute2 iputils-ping curl jq kmod xorriso procps bubblewrap)
PACKAGES_GUEST=(mtools dosfstools fdisk syslinux syslinux-common cpio lz4)
PACKAGES_BUILD=(gcc pkg-config libvirt-dev libssl-dev)
PACKAGES_TEST=(postgresql python3-venv)
# What deploy/openstack-lab runs.
PACKAGES_OPENSTACK=(keystone glance-api placement-api nova-api nova-conductor nova-scheduler nova-compute nova-compute-kvm neutron-server
    neutron-openvswitch-agent neutron-dhcp-agent neutron-l3-agent cinder-api cinder-scheduler cinder-volume mariadb-server
    rabbitmq-server genisoimage)

package_missing() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" != 'ii ' ]; }

# install_packages PACKAGE...: installs those that are missing, and says which.
install_packages() {
    local missing=() p root=() downgrade=() version policy=/usr/sbin/policy-rc.d log rc=0
    for p in "$@"; do
        # A server of some version will do, packaged or not.
        if [ "$p" = postgresql ] && command -v pg_ctl postgres >/dev/null; then continue; fi
        if package_missing "$p"; then missing+=("$p"); fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this is not a Debian system" "install yourself: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "packages are missing and only root can install them: ${missing[*]}" "as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    step "installing Debian packages: ${missing[*]}"
    log=$(mktemp)
    "${root[@]}" apt-get update -q >"$log" 2>&1 || say "apt-get update failed, going on with the package lists that are there: $(grep -m 1 '^E:' "$log")"
    # A qemu-utils from backports conflicts with the distribution's QEMU: the distribution's version takes its place.
    if [[ " ${missing[*]} " = *' qemu-system-x86 '* && $(dpkg-query -W -f '${Version}' qemu-utils 2>/dev/null) = *~bpo* ]]; then
        version=$(apt-cache madison qemu-utils | awk '$3 !~ /~bpo/ {print $3; exit}')
        downgrade=(--allow-downgrades "qemu-utils=$version")
        say "qemu-utils is from backports and conflicts with qemu-system-x86: replaced by $version"
    fi
    # Packages must not start their daemons here; a policy that is there already is left alone.
    if [ -e $policy ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null && "${root[@]}" chmod +x $policy; fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${downgrade[@]}" "${missing[@]}" >"$log" 2>&1 || rc=$?
    [ -z "$policy" ] || "${root[@]}" rm -f "$policy"
    if [ $rc != 0 ]; then
        tail -15 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: ${missing[*]}" "its answer is above"
    fi
    rm -f "$log"
}
