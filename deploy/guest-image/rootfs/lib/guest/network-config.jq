# cloud-init's network configuration, version 2 -> the lines that network.sh reads. An interface is known by
# match.macaddress, or by its name in the guest (eth0, eth1 ... in PCI order).

(.network // .)
| if (.version // 2) != 2 then error("network-config version \(.version) is not known here, only 2") else . end
| (.ethernets // {}) | to_entries[]
| (.value.match.macaddress // .value.macaddress // .key | ascii_downcase) as $m
| .value
| "link \($m) \(.mtu // "-")",
  (.addresses[]? | if type == "object" then keys[0] else . end | "addr \($m) \(.)"),
  (select(.dhcp4 == true) | "dhcp4 \($m)"),
  (select(.dhcp6 == true or ."accept-ra" == true) | "auto6 \($m)"),
  (.gateway4 // empty | "route \($m) default \(.)"),
  (.gateway6 // empty | "route \($m) default \(.)"),
  (.routes[]? | "route \($m) \(if .to == "0.0.0.0/0" or .to == "::/0" then "default" else .to end) \(.via // "-")"),
  (.nameservers.addresses[]? | "dns \(.)")
