#!/bin/sh
# Passes HTTP that arrives on the external interface to the upstream server. The first interface is the external one,
# the second the internal one. Requests leave with this machine's internal address, so that answers come back through
# it whatever routes the server has.
sysctl -w net.ipv4.ip_forward=1

# The table is made anew at every boot.
nft -f - <<RULES
add table ip edge
delete table ip edge
table ip edge {
  chain inbound {
    type nat hook prerouting priority -100; policy accept;
    iifname "eth0" tcp dport 80 dnat to ${upstream_address}:80
  }
  chain outbound {
    type nat hook postrouting priority 100; policy accept;
    oifname "eth1" masquerade
  }
}
RULES
