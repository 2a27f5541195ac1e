"""What wrk sends: URLs and bodies change with every request, so a cache of whole queries would not help."""

LUA_REQUESTS = {
    "pixel": """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/event.gif?category=h5&action=pv&label=" .. (n % 997) .. "&value=" .. (n % 61)
    .. "&user=u" .. (n * 7919 % 1000003))
end""",
    "visitor": """
local n = 0
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
  .. "Chrome/140.0 Safari/537.36"
wrk.headers["Referer"] = "https://shop.example/p/85-8d14"
wrk.headers["Accept"] = "image/avif,image/webp,*/*"
request = function()
  n = n + 1
  return wrk.format("GET", "/event.gif?category=h5&action=pv&label=" .. (n % 997)
    .. "&url=https%3A%2F%2Fshop.example%2Fp%2F" .. (n * 7919 % 1000003))
end""",
    "json": """
local n = 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format("POST", "/e", nil, '{"category":"h5","action":"pv","label":"' .. (n % 997)
    .. '","value":"' .. (n % 61) .. '","user":"u' .. (n * 7919 % 1000003)
    .. '","url":"https://example.com/p/85-8d14?channel=41","time":' .. (1789000000000 + n) .. '}')
end""",
    "unknown": """
local n = 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format("POST", "/e", nil, '{"category":"h5","action":"pv","label":' .. (n % 997)
    .. ',"channel":"' .. (n % 61) .. '","user":"u' .. (n * 7919 % 1000003)
    .. '","url":"https://example.com/p/85-8d14?channel=41","ts":' .. (1789000000000 + n) .. '}')
end""",
    "form": """
local n = 0
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
request = function()
  n = n + 1
  return wrk.format("POST", "/financial_pro", nil, "test01=" .. (n % 997) .. "&test02=222&test03=ccc&test04=" .. n)
end""",
    "ndjson": """
local bodies, n = {}, 0
for b = 1, 8 do
  local lines = {}
  for i = 1, 1000 do
    local k = b * 1000 + i
    lines[i] = '{"id":"e' .. b .. '-' .. i .. '","category":"h5","action":"pv","label":"' .. (k % 997)
      .. '","value":"' .. (k % 61) .. '","user":"u' .. (k * 7919 % 1000003)
      .. '","url":"https://example.com/p/85-8d14?channel=41","referrer":"https://www.google.com/"'
      .. ',"time":' .. (1789000000000 + k) .. ',"duration_ms":' .. (k % 977 + 0.5)
      .. ',"props":{"plan":"pro","step":' .. (k % 9) .. '}}'
  end
  bodies[b] = table.concat(lines, "\\n")
end
wrk.headers["Content-Type"] = "application/x-ndjson"
request = function() n = n + 1; return wrk.format("POST", "/e", nil, bodies[n % 8 + 1]) end""",
}
EVENTS_PER_REQUEST = {"ndjson": 1000}
