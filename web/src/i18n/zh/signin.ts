import type en from "../en/signin";

const zh: Record<keyof typeof en, string> = {
  title: "登录", password: "密码", go: "登录", wrong: "密码不正确。", wait: "尝试次数过多。{text}", show: "显示密码", hide: "隐藏密码",
  none: "尚未设置密码", none_text: "请在服务器上用“eventmill password”设置。", already: "您已登录。", open: "打开面板", out: "退出登录", failed: "未能登录：{text}",
  hint: "由“eventmill password”设置的密码。",
};
export default zh;
