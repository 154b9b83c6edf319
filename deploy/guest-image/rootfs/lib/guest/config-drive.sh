# shellcheck shell=dash
# Finding and reading the config drive. Whatever its layout, what follows reads only these files under /run/mano:
#   hostname, authorized_keys, user-data   as their names say, absent when there is nothing
#   network                                lines for network.sh, absent when the drive says nothing of networks
#   meta_data.json, network_data.json      copies for user data to read, OpenStack's layout only

# Printed by init.
# shellcheck disable=SC2034
CONFIG_KIND=none

# OpenStack: label config-2; NoCloud: cidata. vfat labels come in capitals. Sets CONFIG_DEVICE, or leaves it empty.
find_labelled() {
    for label in config-2 CONFIG-2 cidata CIDATA; do
        CONFIG_DEVICE=$(findfs LABEL=$label 2>/dev/null) && return 0
    done
    return 1
}

# A drive on virtio-blk is there at once; one on IDE or virtio-scsi needs drivers that are not worth loading otherwise.
# Debian's cloud kernel has no AHCI driver: a SATA drive is not seen.
find_config_drive() {
    CONFIG_DEVICE=
    find_labelled && return
    grep -q -i -e '^pci:.*bc01sc01' -e 'v00001AF4d000010\(04\|48\)' /sys/bus/pci/devices/*/modalias || return
    modprobe -a ata_piix virtio_scsi sr_mod sd_mod 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        find_labelled && return
        usleep 200000
    done
}

# shellcheck disable=SC2034
read_config_drive() {
    [ -n "$CONFIG_DEVICE" ] || return
    mount -o ro -t iso9660 "$CONFIG_DEVICE" /mnt 2>/dev/null || mount -o ro -t vfat "$CONFIG_DEVICE" /mnt || return
    if [ -f /mnt/openstack/latest/meta_data.json ]; then
        CONFIG_KIND=config-2
        . /lib/guest/openstack.sh
        read_openstack /mnt/openstack/latest
    elif [ -f /mnt/meta-data ]; then
        CONFIG_KIND=cidata
        . /lib/guest/nocloud.sh
        read_nocloud /mnt
    fi
    umount /mnt
}
