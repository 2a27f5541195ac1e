import type en from "../en/names";

const zh: Record<keyof typeof en, string> = {
  direct: "直接访问或站内", search: "搜索", social: "社交", mail: "邮件", email: "邮件", ad: "广告", referral: "其他网站",
  desktop: "桌面", mobile: "手机", phone: "手机", smartphone: "手机", tablet: "平板", tv: "电视", bot: "机器人", bots: "机器人", people: "真人", other: "其他",
};
export default zh;
