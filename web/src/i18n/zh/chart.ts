import type en from "../en/chart";

const zh: Record<keyof typeof en, string> = {
  peak: "最高 {value}，{time}",
  drag: "拖动缩放，双击重置",
  table: "{title}（表格）",
};
export default zh;
