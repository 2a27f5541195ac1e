# Counts of an access log in the combined format by day and key, at each depth: METHOD, METHOD.status,
# METHOD.status.segment (the first segment of the path). Prints day, key, views, visitors (address and user agent).
BEGIN {
    FS = "\""
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
    for (number in names) month[names[number]] = sprintf("%02d", number)
}
function part(text) {
    gsub(/%/, "%25", text)
    gsub(/\./, "%2E", text)
    return text
}
function count(day, key, who) {
    views[day " " key]++
    if (!((day, key, who) in seen)) {
        seen[day, key, who] = 1
        visitors[day " " key]++
    }
}
{
    split($1, first, " ")
    split(substr(first[4], 2), date, "[/:]")
    day = date[3] "-" month[date[2]] "-" date[1]
    split($2, request, " ")
    split($3, answer, " ")
    path = request[2]
    sub(/\?.*/, "", path)
    split(path, segments, "/")
    who = first[1] " " $6
    count(day, part(request[1]), who)
    count(day, part(request[1]) "." part(answer[1]), who)
    if (segments[2] != "") count(day, part(request[1]) "." part(answer[1]) "." part(segments[2]), who)
}
END {
    for (row in views) print row, views[row], visitors[row]
}
