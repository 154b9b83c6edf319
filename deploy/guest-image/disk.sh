# shellcheck shell=bash
# A disk that a PC BIOS boots: one FAT partition with syslinux, written by mtools into a plain file.

# Sized for the files it holds; the rest of a larger virtual disk stays free for the guest.
DISK_MIB=32
KERNEL_LINE='console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 no_timer_check tsc=unstable nokaslr
 random.trust_cpu=on cryptomgr.notests net.ifnames=0 edd=off'

# build_disk WORK KERNEL INITRD OUT
build_disk() {
    local raw=$1/disk.raw cfg=$1/syslinux.cfg
    cat >"$cfg" <<EOC
SERIAL 0 115200
PROMPT 0
TIMEOUT 0
DEFAULT guest
LABEL guest
 KERNEL vmlinuz
 INITRD initrd
 APPEND ${KERNEL_LINE//$'\n'/}
EOC
    truncate -s ${DISK_MIB}M "$raw"
    echo 'label-id: 0x4d414e4f
start=2048, type=e, bootable' | sfdisk -q "$raw"
    mkfs.vfat --invariant -F 16 -n GUEST -i 4d414e4f --offset 2048 "$raw" $((DISK_MIB * 1024 - 1024)) >/dev/null
    mcopy -i "$raw@@1M" "$2" ::vmlinuz
    mcopy -i "$raw@@1M" "$3" ::initrd
    mcopy -i "$raw@@1M" "$cfg" ::
    syslinux -t 1048576 --install "$raw"
    dd if=/usr/lib/syslinux/mbr/mbr.bin of="$raw" conv=notrunc bs=440 count=1 status=none
    qemu-img convert -O qcow2 "$raw" "$4"
}
