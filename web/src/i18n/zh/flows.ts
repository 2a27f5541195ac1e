import type en from "../en/flows";

const zh: Record<keyof typeof en, string> = {
  title: "路径", hint: "大多数访问逐步经过的页面路径。",
  hint_from: "访问在 {page} 之后的去向。", hint_to: "访问如何到达 {page}。",
  sessions: "{n} 次访问", by: "步骤为", by_page: "页面", by_key: "事件", steps: "步数", links: "连线",
  start: "起点", end: "终点", start_hint: "任意页面", end_hint: "任意页面", from_here: "从这里出发", to_here: "到达这里", both: "不限",
  step: "步", from: "从", to: "到", visits: "访问次数", share: "占该步比例", exits: "访问在哪里结束", exits_hint: "所示访问的最后一页，按步排列",
  exits_share: "占该页访问比例", other: "（其他）", empty: "没有两步以上的访问", empty_text: "请选择更多日期、其他页面，或移除筛选条件。",
  steps_n: "{n} 步", end_none: "没有访问在这些步骤内结束。",
  summary: "共 {n} 次访问。最常见的一步是从 {from} 到 {to}，{visits} 次。", tip_in: "在此步", tip_of: "占其访问", pick: "点击页面查看其后的去向。",
};
export default zh;
