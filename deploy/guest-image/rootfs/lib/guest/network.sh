# shellcheck shell=dash
# Addresses. Reads /run/mano/network, whose lines are
#   link MAC MTU|-     addr MAC ADDRESS/PREFIX     dhcp4 MAC     auto6 MAC     route MAC TO|default GATEWAY|-     dns ADDRESS
# (MAC may also be an interface name), and writes /run/mano/nics: one line "ethN MAC ADDRESS/PREFIX" per address.

# Interface of a MAC address; nothing when no NIC has it.
nic_of() {
    [ ! -e "/sys/class/net/$1" ] || { echo "$1"; return; }
    for n in /sys/class/net/eth*; do
        [ "$(cat "$n/address")" != "$1" ] || { echo "${n##*/}"; return; }
    done
}

# Three tries of a second each, then on in the background, so that a network without a server delays a boot little.
ask_dhcp() { udhcpc -i "$1" -s /usr/share/udhcpc/default.script -b -t 3 -T 1 -S >/dev/null 2>&1; }

apply_line() {
    case $1 in
        dns)
            grep -q "^nameserver $2\$" /etc/resolv.conf || echo "nameserver $2" >>/etc/resolv.conf
            return
            ;;
    esac
    dev=$(nic_of "$2")
    [ -n "$dev" ] || { echo "network: no NIC has $2, left out: $*"; return; }
    case $1 in
        link) [ "$3" = - ] || ip link set "$dev" mtu "$3" ;;
        addr)
            case $3 in
                *:*) ip -6 addr replace "$3" dev "$dev" ;;
                *) ip addr replace "$3" broadcast + dev "$dev" ;;
            esac
            ;;
        dhcp4) ask_dhcp "$dev" & ;;
        auto6) echo 1 >"/proc/sys/net/ipv6/conf/$dev/accept_ra" ;;
        route)
            family=-4
            case $3$4 in *:*) family=-6 ;; esac
            if [ "$4" = - ]; then
                ip $family route replace "$3" dev "$dev"
            else
                # "onlink" in two steps for a gateway outside the subnet.
                ip $family route replace "$3" via "$4" dev "$dev" 2>/dev/null || {
                    ip $family route replace "$4" dev "$dev"
                    ip $family route replace "$3" via "$4" dev "$dev"
                }
            fi
            ;;
    esac
}

apply_kind() {
    while read -r line; do
        # shellcheck disable=SC2086
        case $line in "$1 "*) apply_line $line ;; esac
    done </run/mano/network
}

configure_network() {
    : >/etc/resolv.conf
    for n in /sys/class/net/eth*; do
        [ -e "$n" ] || continue
        # Addresses are known or asked for, never guessed from router advertisements, unless the drive says so.
        [ ! -f /run/mano/network ] || echo 0 >"/proc/sys/net/ipv6/conf/${n##*/}/accept_ra"
        # Addresses are given out by the orchestrator: looking for duplicates would only delay them.
        echo 0 >"/proc/sys/net/ipv6/conf/${n##*/}/accept_dad"
        ip link set "${n##*/}" up
    done
    if [ -f /run/mano/network ]; then
        for kind in link addr auto6 dhcp4 route dns; do apply_kind $kind; done
    else
        for n in /sys/class/net/eth*; do [ ! -e "$n" ] || ask_dhcp "${n##*/}" & done
    fi
    wait
    write_nics
}

write_nics() {
    for n in /sys/class/net/eth*; do
        [ -e "$n" ] || continue
        dev=${n##*/}
        addresses=$(ip -o addr show dev "$dev" scope global | awk '{print $4}')
        for a in ${addresses:--}; do echo "$dev $(cat "$n/address") $a"; done
    done >/run/mano/nics.new
    mv /run/mano/nics.new /run/mano/nics
}
