import type en from "../en/events";

const zh: Record<keyof typeof en, string> = {
  all: "全部事件", path: "键", level_category: "类别", level_action: "动作", level_label: "标签", level_value: "值",
  trend: "趋势", here: "（到此为止）", share_of: "占 {key} 的比例", breakdown: "细分维度", deepest: "这是完整的键，没有下一级。",
  series: "浏览量与访客", up: "上一级", filter_rows: "搜索本级", views_of: "占全部事件的 {share}",
  empty: "所选日期内没有此键的事件", tree: "键树", property: "属性…", property_name: "属性名",
};
export default zh;
