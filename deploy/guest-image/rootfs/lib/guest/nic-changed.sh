#!/bin/sh
# Run for every event of the kernel: a NIC that was plugged in while the guest runs asks for its addresses, as those that
# were there at boot were told theirs by the config drive, which knows nothing of it.
[ "$SUBSYSTEM" = net ] || exit 0
case $INTERFACE in eth*) ;; *) exit 0 ;; esac
. /lib/guest/network.sh
if [ "$ACTION" = add ]; then
    echo 0 >"/proc/sys/net/ipv6/conf/$INTERFACE/accept_dad"
    ip link set "$INTERFACE" up
    ask_dhcp "$INTERFACE"
fi
write_nics
echo "NIC $ACTION $INTERFACE" >/dev/console
grep "^$INTERFACE " /run/mano/nics >/dev/console
exit 0
