import type en from "../en/overview";

const zh: Record<keyof typeof en, string> = {
  visitors_views: "访客与浏览量", visits: "访问次数", bounce: "跳出率", duration: "平均访问时长",
  pages: "页面", page: "页面", entry: "入口", exit: "出口", sources: "来源", source: "来源", channel: "渠道",
  referrer: "引荐来源", campaign: "推广活动", keys: "键", category: "类别", key: "完整键", events: "事件",
  action: "动作", label: "标签", topic: "主题", devices: "设备", device: "设备", browser: "浏览器", os: "操作系统",
  screen: "屏幕", places: "国家/地区与语言", country: "国家/地区", language: "语言", sites: "站点", site: "站点",
  products: "产品", product: "产品",
  no_country: "国家/地区未知：请在配置的 [geo] database 中指定 MMDB 文件。",
  visitors_note: "没有持久标识的访客按天累加",
};
export default zh;
