import type en from "../en/live";

const zh: Record<keyof typeof en, string> = {
  now: "当前访客", now_hint: "最近 5 分钟内", per_minute: "每分钟浏览量", per_minute_hint: "最近 30 分钟",
  views_minute: "每分钟浏览量", pages: "当前页面", stream: "实时事件流", pause: "暂停", resume: "继续",
  waiting: "{n} 个事件等待显示", connecting: "正在连接…", connected: "已连接", lost: "连接已断开，正在重试",
  paused: "已暂停", none: "还没有事件。入库的事件会在两秒内出现在这里。", received: "接收时间", key: "键", page: "页面",
  device: "设备", site: "站点", from: "来源", trace: "追踪", open: "在管道中追踪此事件", clear: "清空列表",
  busy: "观看人数过多", a_minute: "每分钟", rate: "每秒事件数",
};
export default zh;
