import type en from "../en/embed";

const zh: Record<keyof typeof en, string> = {
  title: "图表", time: "访客与浏览量", pages: "页面", sources: "来源", countries: "国家/地区", browsers: "浏览器", events: "事件", flows: "路径", requests: "请求",
  unknown: "没有这种图表", unknown_text: "地址应以下列之一结尾：{names}。", by: "由 eventmill 提供", ended: "此链接已失效", ended_text: "请向分享者索取新的链接。",
};
export default zh;
