# shellcheck shell=bash
# The guest's whole root file system as an initramfs: busybox, a few Debian programs with their libraries, kernel modules.

# Loaded by init on every boot, in this order.
GUEST_BOOT_MODULES=(virtio_pci virtio_blk virtio_net virtio_console virtio_rng virtio_balloon button evdev)
# In the image, loaded by the kernel or by init when something asks for them.
GUEST_MORE_MODULES=(isofs vfat nls_ascii nls_cp437 nls_utf8 ata_piix sr_mod sd_mod virtio_scsi
    nf_tables nft_chain_nat nft_nat nft_masq nft_redir nft_ct nft_limit nft_log nft_reject_inet nft_reject_ipv4
    nft_reject_ipv6 nft_fib_inet nf_conntrack nf_log_syslog 8021q dummy tun)
GUEST_PROGRAMS=(/usr/sbin/nft /usr/bin/jq /usr/sbin/dropbear /usr/bin/dropbearkey /usr/sbin/qemu-ga)

copy_modules() {
    local sysroot=$1 root=$2 version=$3 m
    depmod -b "$sysroot" "$version"
    for m in "${GUEST_BOOT_MODULES[@]}" "${GUEST_MORE_MODULES[@]}"; do
        modprobe -d "$sysroot" -S "$version" --show-depends "$m" 2>/dev/null ||
            die "kernel $version has no module $m" "take it out of initramfs.sh or use another kernel"
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r m; do
        install -D -m 0644 "$m" "$root/lib/modules/$version/${m##*/}"
    done
    cp "$sysroot/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
    depmod -b "$root" "$version"
    # busybox's modprobe reads the text tables only.
    rm -f "$root/lib/modules/$version"/modules.{*.bin,order,builtin.modinfo,softdep,devname,builtin.alias}
    printf '%s\n' "${GUEST_BOOT_MODULES[@]}" >"$root/lib/guest/boot-modules"
}

# copy_program SYSROOT ROOT PATH: a program and the libraries it is linked with, all taken from the sysroot.
copy_program() {
    local sysroot=$1 root=$2 program=$3 loader lib
    loader=$sysroot/lib64/ld-linux-x86-64.so.2
    install -D -m 0755 "$sysroot$program" "$root/bin/${program##*/}"
    "$loader" --library-path "$sysroot/lib/x86_64-linux-gnu:$sysroot/usr/lib/x86_64-linux-gnu" --list "$sysroot$program" |
        awk '$2 == "=>" {print $3}' | while read -r lib; do
        case $lib in
            "$sysroot"/*) [ "$lib" -ef "$loader" ] || install -m 0644 "$lib" "$root/lib/x86_64-linux-gnu/${lib##*/}" ;;
            *) die "$program needs a library that no fetched package has: $lib" ;;
        esac
    done
    install -m 0755 "$loader" "$root/lib64/ld-linux-x86-64.so.2"
}

# build_initramfs SYSROOT ROOT OUT
build_initramfs() {
    local sysroot=$1 root=$2 out=$3 version p
    version=$(basename "$sysroot"/lib/modules/*)
    mkdir -p "$root"/{bin,dev,proc,sys,mnt,run,tmp,root/.ssh,var/log,lib64,lib/x86_64-linux-gnu,usr/bin}
    chmod 0700 "$root/root" "$root/root/.ssh"
    ln -s ../run "$root/var/run"
    cp -R "$HERE/rootfs/." "$root/"
    install -m 0755 "$sysroot/bin/busybox" "$root/bin/busybox"
    # The rest of the applets become links when the guest boots.
    for p in sh mount modprobe; do ln -s busybox "$root/bin/$p"; done
    ln -s ../bin/busybox "$root/sbin/modprobe"
    ln -s ../../bin/busybox "$root/usr/bin/env"
    for p in "${GUEST_PROGRAMS[@]}"; do copy_program "$sysroot" "$root" "$p"; done
    copy_modules "$sysroot" "$root" "$version"
    find "$root" -exec touch -h -d @1 {} +
    (cd "$root" && find . | sort | cpio -o -H newc --quiet --reproducible -R 0:0) | lz4 -l -9 -c >"$out"
}
