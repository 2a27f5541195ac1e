import type en from "../en/requests";

const zh: Record<keyof typeof en, string> = {
  per_minute: "{n}/分", per_hour: "{n}/小时",
  title: "请求", count: "请求数", rate: "速率", errors: "错误", error_rate: "错误率", p50: "p50", p95: "p95", p99: "p99", bytes: "字节",
  share: "占比", over_time: "请求与错误", over_time_hint: "状态码 500 及以上计为错误", latency: "延迟变化", latency_hint: "分别有一半、95%、99% 的请求更快",
  histogram: "延迟", histogram_hint: "各耗时区间的请求数", by_route: "路由", by_status: "状态码", by_method: "方法", list: "按",
  duration: "耗时", upto: "不超过 {time}", over: "超过 {time}", value_route: "路由", value_status: "状态码", value_method: "方法", none: "（无）",
  empty: "所选日期内没有请求", empty_text: "请将请求日志发送到主题“request”，并带上 label（路由）、value（状态码）和 duration_ms。",
  example: "例如", summary: "共 {n} 个请求，其中 {errors} 个错误。一半在 {p50} 以内，99% 在 {p99} 以内。", peak: "最高 {value}",
  ok: "无错误", failed: "错误", bad_share: "{name} 有 {share} 的请求失败",
};
export default zh;
