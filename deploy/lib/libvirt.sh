# shellcheck shell=bash
# libvirtd, with virtlogd so that console logs stay bounded and are written whoever the VMs run as.

# VMs run unprivileged where that user can reach the state folder, in which the disks are.
libvirt_decide() {
    if [ "$QEMU_USER" = auto ]; then
        QEMU_USER=root
        if id libvirt-qemu >/dev/null 2>&1; then
            if setpriv --reuid libvirt-qemu --clear-groups test -x "$STATE"; then
                QEMU_USER=libvirt-qemu
            else
                say "VMs will run as root: user libvirt-qemu cannot reach $STATE (a folder above it lacks o+x)"
            fi
        else
            say "VMs will run as root: there is no user libvirt-qemu"
        fi
    fi
    QEMU_GROUP=$(id -gn "$QEMU_USER")
}

libvirt_configure() {
    local etc=$STATE/etc-libvirt
    [ -e "$STATE/host-uuid" ] || cat /proc/sys/kernel/random/uuid >"$STATE/host-uuid"
    mkdir -p "$etc/qemu"
    cat >"$etc/libvirtd.conf" <<EOC
host_uuid = "$(<"$STATE/host-uuid")"
unix_sock_group = "root"
unix_sock_rw_perms = "0770"
unix_sock_ro_perms = "0770"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
EOC
    cat >"$etc/qemu.conf" <<EOC
security_driver = "none"
user = "$QEMU_USER"
group = "$QEMU_GROUP"
EOC
    printf 'log_outputs = "3:file:/var/log/libvirt/virtlogd.log"\n' >"$etc/virtlogd.conf"
}

virsh_inside() { virsh -q -c "qemu+unix:///system?socket=$RUN/libvirt/libvirt-sock" "$@"; }

# What libvirt learnt about QEMU takes it seconds to learn; it is kept from one start to the next, and libvirt itself
# sees when it has become wrong.
capabilities_bring() {
    [ -d "$CACHE/capabilities" ] && [ ! -d "$STATE/cache-libvirt/qemu/capabilities" ] || return 0
    mkdir -p "$STATE/cache-libvirt/qemu"
    cp -a "$CACHE/capabilities" "$STATE/cache-libvirt/qemu/"
}
capabilities_keep() {
    local from=$STATE/cache-libvirt/qemu/capabilities
    [ -d "$from" ] && ! diff -qr "$from" "$CACHE/capabilities" >/dev/null 2>&1 || return 0
    mkdir -p "$CACHE"
    cp -a "$from" "$CACHE/capabilities.$$"
    rm -rf "$CACHE/capabilities"
    mv -T "$CACHE/capabilities.$$" "$CACHE/capabilities" 2>/dev/null || rm -rf "$CACHE/capabilities.$$"
}

libvirt_up() {
    if ! daemon_alive virtlogd; then
        libvirt_configure
        capabilities_bring
        inside virtlogd -d -p "$RUN/virtlogd.pid"
    fi
    if ! daemon_alive libvirtd; then
        inside libvirtd -d -p "$RUN/libvirtd.pid" 2>>"$STATE/log/libvirtd.stderr"
    fi
    local i
    for ((i = 0; i < 300; i++)); do
        if virsh_inside version >/dev/null 2>&1; then
            capabilities_keep
            return
        fi
        sleep 0.1
    done
    tail -5 "$STATE/log/libvirtd.stderr" "$STATE/log/libvirt/libvirtd.log" >&2 || true
    die "libvirtd does not answer on $RUN/libvirt/libvirt-sock" "its last words are above"
}

libvirt_down() {
    daemon_alive libvirtd || return 0
    local d
    for d in $(virsh_inside list --uuid 2>/dev/null); do virsh_inside destroy "$d" >/dev/null 2>&1 || true; done
}
