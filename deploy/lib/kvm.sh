# shellcheck shell=bash
# Whether KVM truly works. libvirt and /dev/kvm may promise it where no guest ever comes up (nested clouds), so a guest is
# started for a moment.

# probe_kvm [USER]
probe_kvm() {
    local user=${1:-root} as=() work out t0 t1
    if [ ! -e /dev/kvm ]; then
        echo "TCG: this machine has no /dev/kvm (virtualisation off in its firmware, module kvm not loaded, or a VM without nesting)"
        return
    fi
    [ "$(id -u)" != 0 ] || [ "$user" = root ] || as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
    if ! "${as[@]}" test -r /dev/kvm -a -w /dev/kvm; then
        echo "TCG: user $user may not open /dev/kvm"
        return
    fi
    need_commands "apt-get install qemu-system-x86" qemu-system-x86_64
    work=$(mktemp -d)
    chmod 0755 "$work"
    "$HERE/guest-image/build" --kernel-files "$work" "$work/guest.qcow2" 2>/dev/null || { rm -rf "$work"; die "the guest for the probe could not be built" "see: deploy/guest-image/build --help"; }
    # Told to, the guest says VNF-READY and powers off; one that has not after 8 s is not one to wait for.
    t0=${EPOCHREALTIME/./}
    out=$( (timeout 8 "${as[@]}" qemu-system-x86_64 -accel kvm -cpu host -machine q35 -m 192 -nodefaults -display none -no-reboot \
        -serial stdio -kernel "$work/vmlinuz" -initrd "$work/initrd" \
        -append "console=ttyS0 quiet panic=-1 net.ifnames=0 guest.probe" </dev/null 2>&1 || true) 2>/dev/null | tr -d '\000\r')
    t1=${EPOCHREALTIME/./}
    rm -rf "$work"
    case $out in
        *VNF-READY*) echo "KVM: a guest booted in $(((t1 - t0) / 1000)) ms" ;;
        '') echo "TCG: /dev/kvm is there, but a guest did not boot with it in 8 s" ;;
        *) echo "TCG: /dev/kvm is there, but no guest booted; QEMU or the guest said: $(head -1 <<<"$out")" ;;
    esac
}
