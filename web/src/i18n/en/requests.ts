export default {
  per_minute: "{n}/min", per_hour: "{n}/h",
  title: "Requests", count: "Requests", rate: "Rate", errors: "Errors", error_rate: "Error rate", p50: "p50", p95: "p95", p99: "p99", bytes: "Bytes",
  share: "Share", over_time: "Requests and errors", over_time_hint: "Errors are answers with a status of 500 and above", latency: "Latency over time", latency_hint: "Half, 95 % and 99 % of the requests were faster",
  histogram: "Latency", histogram_hint: "How many requests took how long", by_route: "Routes", by_status: "Status", by_method: "Methods", list: "By",
  duration: "Duration", upto: "up to {time}", over: "over {time}", value_route: "Route", value_status: "Status", value_method: "Method", none: "(none)",
  empty: "No requests in these days", empty_text: "Send request logs into the topic “request”, with label (route), value (status) and duration_ms.",
  example: "For example", summary: "{n} requests, {errors} of them errors. Half took {p50} or less, 99 % {p99} or less.", peak: "at most {value}",
  ok: "Without error", failed: "Errors", bad_share: "{share} of the requests to {name} failed",
};
