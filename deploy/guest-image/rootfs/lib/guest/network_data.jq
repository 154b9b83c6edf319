# OpenStack's network_data.json -> the lines that network.sh reads.

# Prefix length of a netmask, which is dotted quad or an IPv6 mask, or a number already.
def prefix:
  if type == "number" then .
  elif test("^[0-9]+$") then tonumber
  elif contains(":") then [ascii_downcase | explode[] | {"102": 4, "101": 3, "99": 2, "56": 1}[tostring] // 0] | add
  else [split(".")[] | tonumber | {"255": 8, "254": 7, "252": 6, "248": 5, "240": 4, "224": 3, "192": 2, "128": 1}[tostring] // 0] | add
  end;
def cidr($address; $mask): if ($address | contains("/")) then $address else "\($address)/\($mask // (if ($address | contains(":")) then "64" else "32" end) | prefix)" end;

(.links // [] | map({key: .id, value: (.ethernet_mac_address // "" | ascii_downcase)}) | from_entries) as $mac
| (.links[]? | "link \(.ethernet_mac_address | ascii_downcase) \(.mtu // "-")"),
  (.networks[]? | $mac[.link] as $m | select($m)
    | (if .type == "ipv4" or .type == "ipv6" then "addr \($m) \(cidr(.ip_address; .netmask))"
       elif .type == "ipv4_dhcp" then "dhcp4 \($m)"
       elif (.type | startswith("ipv6")) then "auto6 \($m)"
       else empty end),
      (.gateway // empty | "route \($m) default \(.)"),
      (.routes[]? | (if (.network == "0.0.0.0" or .network == "::" or .network == "0.0.0.0/0" or .network == "::/0") then "default"
                     else cidr(.network; .netmask) end) as $to | "route \($m) \($to) \(.gateway // "-")"),
      (.dns_nameservers[]? | "dns \(.)"),
      (.services[]? | select(.type == "dns") | "dns \(.address)")),
  (.services[]? | select(.type == "dns") | "dns \(.address)")
