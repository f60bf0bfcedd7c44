-- wrk's side of ./dev bench: asks for the paths of a file in turn, and prints what came of it as one line of JSON.
-- wrk … URL -- METHOD PATHS_FILE TOKEN [BODY]
-- "Connection: keep-alive" is what plain Pistache, the floor, needs to keep a connection; both get the same requests.

local requests, last = {}, 0
local threads = 0

function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

function init(args)
  local method, paths, token, body = args[1], args[2], args[3], args[4]
  local headers = {["Authorization"] = "Bearer " .. token, ["Connection"] = "keep-alive"}
  if body then headers["Content-Type"] = "application/json" end
  for path in io.lines(paths) do
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
  last = place * 97  -- so that two threads do not ask for the same thing at the same time
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "refused": %d, "broken": %d, "seconds": %.6f, "perSecond": %.1f, "p50Ms": %.3f, "p99Ms": %.3f}',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    (summary.requests - e.status) / (summary.duration / 1e6),
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
