# The plain YAML that config drives are written in -> JSON: block mappings and sequences, flow sequences and mappings,
# quoted and bare scalars, comments. No anchors, tags or block scalars.
#
# Every line becomes a token (indent, kind, key, value); value() then walks the tokens by their indents.

function trim(s) { gsub(/^[ \t]+|[ \t\r]+$/, "", s); return s }
function quote(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/\t/, "\\t", s); return "\"" s "\"" }
function uncomment(s) { if (s !~ /["']/) sub(/(^|[ \t])#.*$/, "", s); return trim(s) }

# Splits "a, b, {c: d}" at its commas, brackets and quotes respected.
function flow(s, left, right,   i, c, depth, q, part, out, isMap, p) {
    s = trim(substr(s, 2, length(s) - 2)); isMap = left == "{"; out = left; part = ""
    for (i = 1; i <= length(s) + 1; i++) {
        c = substr(s, i, 1)
        if (q != "") { if (c == q) q = "" }
        else if (c == "\"" || c == "'") q = c
        else if (c == "[" || c == "{") depth++
        else if (c == "]" || c == "}") depth--
        if ((c == "," && depth == 0 && q == "") || i > length(s)) {
            if (trim(part) != "") {
                if (out != left) out = out ","
                if (isMap) { p = index(part, ": "); out = out quote(unquote(substr(part, 1, p - 1))) ":" scalar(substr(part, p + 2)) }
                else out = out scalar(part)
            }
            part = ""
        } else part = part c
    }
    return out right
}
function unquote(s) {
    s = trim(s)
    if (s ~ /^".*"$/ || s ~ /^'.*'$/) return substr(s, 2, length(s) - 2)
    return s
}
function scalar(s) {
    s = trim(s)
    if (s == "" || s == "~" || s == "null") return "null"
    if (s ~ /^\[.*\]$/) return flow(s, "[", "]")
    if (s ~ /^\{.*\}$/) return flow(s, "{", "}")
    if (s ~ /^".*"$/ || s ~ /^'.*'$/) return quote(unquote(s))
    if (s == "true" || s == "yes" || s == "on") return "true"
    if (s == "false" || s == "no" || s == "off") return "false"
    if (s ~ /^-?(0|[1-9][0-9]*)$/) return s
    return quote(s)
}
# One key: where "key:" ends; 0 when the text is a plain scalar (a MAC or an IPv6 address has colons without a space after).
function key_end(s,   m) {
    if (s ~ /^"[^"]*":([ \t]|$)/ || s ~ /^'[^']*':([ \t]|$)/) { m = substr(s, 1, 1); return index(substr(s, 2), m) + 2 }
    if (s ~ /^[\[{"']/) return 0
    m = match(s, /:([ \t]|$)/)
    return m
}
function push(indent, text,   p) {
    if (text == "-" || text ~ /^-[ \t]/) {
        n++; ind[n] = indent; kind[n] = "-"
        p = match(substr(text, 2), /[^ \t]/)
        if (p > 0) push(indent + p, substr(text, p + 1))
        return
    }
    n++; ind[n] = indent; p = key_end(text)
    if (p > 0) { kind[n] = ":"; key[n] = unquote(substr(text, 1, p - 1)); val[n] = trim(substr(text, p + 1)) }
    else { kind[n] = "s"; val[n] = text }
}
function value(base,   out, sep, at) {
    if (kind[cur] == "s") return scalar(val[cur++])
    at = ind[cur]; sep = ""
    if (kind[cur] == "-") {
        out = "["
        while (cur <= n && ind[cur] == at && kind[cur] == "-") {
            cur++
            out = out sep (cur <= n && ind[cur] > at ? value(at) : "null"); sep = ","
        }
        return out "]"
    }
    out = "{"
    while (cur <= n && ind[cur] == at && kind[cur] == ":") {
        out = out sep quote(key[cur]) ":"; sep = ","
        if (val[cur] != "") { out = out scalar(val[cur]); cur++ }
        else {
            cur++
            # A sequence may stand at its key's own indent.
            if (cur <= n && (ind[cur] > at || (ind[cur] == at && kind[cur] == "-"))) out = out value(at)
            else out = out "null"
        }
    }
    return out "}"
}
{
    sub(/\r$/, "")
    if ($0 ~ /^(---|\.\.\.|%)/) next
    line = uncomment($0)
    if (line == "") next
    match($0, /^ */)
    push(RLENGTH, line)
}
END { cur = 1; print (n > 0 ? value(-1) : "{}") }
