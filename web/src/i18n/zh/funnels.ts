import type en from "../en/funnels";

const zh: Record<keyof typeof en, string> = {
  goals: "目标", goals_hint: "达成各目标的访客占全部访客的比例", goal: "目标", conversions: "转化次数", rate: "转化率", make_goal: "建立目标",
  no_goals_text: "目标可以是访问某页面或发送某事件；转化率显示在这里。",
  title: "漏斗", hint: "在时间窗口内，依次完成各步骤的访客数。", build: "步骤", build_hint: "本页链接包含全部步骤：复制即可保存或分享此漏斗。",
  step: "第 {n} 步", name: "名称", name_hint: "如：购物车", add_step: "添加步骤", remove_step: "移除第 {n} 步", up: "上移第 {n} 步", down: "下移第 {n} 步",
  add_condition: "添加条件", remove_condition: "移除条件", field: "字段", op: "条件", value: "值", any: "任意事件都算。",
  window: "时间窗口", w_30m: "30 分钟", w_1h: "1 小时", w_1d: "1 天", w_7d: "7 天", w_30d: "30 天",
  visitors: "访客", share: "占全部", step_share: "占上一步", drop: "流失", few: "漏斗需要 2 到 10 个步骤", few_text: "请为至少两个步骤填写名称和条件。",
  suggest: "使用浏览最多的三个页面", empty: "没有人完成第一步", empty_text: "请检查第一步的条件，或选择更多日期。",
  dropped: "{n} 位访客在“{name}”之后离开（{share}）", kept: "没有人在“{name}”之后离开", reached: "开始的访客中有 {share} 到达“{name}”。",
  overall: "{n} 位访客中有 {share} 走完全程", summary: "{first} 位访客开始，{last} 位到达最后一步。", all_steps: "全部步骤", incomplete: "第 {n} 步有一个条件没有填值，已忽略。",
};
export default zh;
