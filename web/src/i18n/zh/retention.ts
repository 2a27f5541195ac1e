import type en from "../en/retention";

const zh: Record<keyof typeof en, string> = {
  title: "留存", hint: "某一时期首次出现的访客中，之后又有多少人回访。", cohort: "首次出现", visitors: "访客",
  by: "周期为", day: "天", week: "周", month: "月", periods: "周期数", again: "回访事件", again_any: "任意事件", again_hint: "事件的键，如 order.paid",
  mean: "全部", at_day: "第 {n} 天", at_week: "第 {n} 周", at_month: "第 {n} 月", empty: "所选日期内没有访客",
  empty_text: "留存需要带有 user 字段的事件。请选择更多日期，或移除筛选条件。", of: "{all} 位访客中的 {n} 位", so_far: "本周期尚未结束。",
  few: "所选范围只有一个周期：请选择更多日期，或更短的周期。", curve: "平均", curve_hint: "全部批次合计的回访比例",
  summary: "共 {cohorts} 个批次。一个周期后平均有 {share} 回访。", percent: "百分比", counts: "人数", show: "单元格显示",
};
export default zh;
