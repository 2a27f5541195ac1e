import type en from "../en/settings";

const zh: Record<keyof typeof en, string> = {
  title: "设置", sections: "设置分类", start: "开始", sites: "站点", goals: "目标", alerts: "告警", keys: "密钥", domains: "域名", shares: "分享", topics: "主题",
  start_hint: "粘贴其中一段代码；收到第一个事件后标记变绿。", start_site: "站点", start_site_hint: "事件所带的站点名",
  sites_hint: "面板中可按名称选择的站点。其他站点的事件照常统计。", domains_hint: "这些主机的页面可以读取 API，并以框架显示分享的图表。其他来源一律拒绝。",
  keys_hint: "供程序使用：放在请求头“Authorization: Bearer …”中。写入密钥用于发送，读取密钥用于查询，管理密钥可执行一切操作。",
  goals_hint: "希望访客完成的事。今天建立的目标也会包含历史数据。", shares_hint: "持有链接者可以查看，直到被移除。无需账号。",
  alerts_hint: "开始和结束时各通知一次 Webhook。", topics_hint: "各主题接收的内容。在 eventmill.toml 中声明，或用“eventmill topics add”添加。",
  name: "名称", site: "站点", every_site: "全部站点", scope: "权限", scope_read: "读取", scope_write: "写入", scope_admin: "管理", prefix: "开头", created: "创建于", host: "主机", hosts: "主机",
  host_hint: "shop.example", hosts_hint: "shop.example, www.shop.example", name_hint: "如：每晚导出", site_hint: "全部站点", view: "打开页面", view_hint: "/flows?range=30d", link: "链接", frame: "嵌入",
  conditions: "条件", add: "添加", remove: "移除", really: "移除 {name}？", yes: "移除", removed: "已移除 {name}。", added: "已添加 {name}。",
  none_keys: "还没有密钥", none_keys_text: "在本机读取无需密钥；其他机器和程序需要。", none_domains: "还没有域名", none_domains_text: "其他站点的页面无法读取 API。",
  none_sites: "还没有站点", none_sites_text: "事件中出现过：{sites}。", none_sites_unseen: "事件自带站点名；在此添加后即可选择。", none_goals: "还没有目标", none_goals_text: "访问某页面或发送某事件：转化率显示在漏斗页面。",
  none_shares: "还没有分享", none_shares_text: "为只需查看的人创建一个链接。", none_alerts: "还没有告警", none_alerts_text: "可以先监控某个主题是否静默。", none_topics: "没有主题",
  once: "请立即复制：仅显示这一次。", once_key: "{name} 的密钥", once_link: "{name} 的链接", once_frame: "在您的页面中嵌入一张图表", frame_where: "框架仅在以下域名列表中的主机页面上显示：", dismiss: "已保存",
  denied: "修改设置需要密码", denied_text: "请登录后再修改设置。", signin: "登录", reading: "此链接或密钥只能查看，不显示设置。",
  goal_needs: "目标需要一个带值的条件。", failed: "未完成：{text}",
  chart: "图表", extra: "其他字段", extra_allow: "允许", extra_reject: "拒绝", retention: "队列保留", aliases: "路径", fields: "字段", field: "字段", rule: "规则", no_fields: "接收任意字段。",
  managed: "由命令添加", required: "必填", type: "类型", group: "消费组", field_count: "恰好 {n} 个字段",
  kind: "类型", url: "Webhook", url_hint: "https://hooks.example/…", state: "状态", test: "测试", tested: "已发送：应答 {status}", test_failed: "Webhook 未接收：{text}", state_ok: "平静", state_firing: "告警中", state_unknown: "尚未检查",
  k_threshold: "指标越过界限", k_change: "与一周前相比的变化", k_silence: "没有事件进入", k_pipeline: "管道",
  s_pv: "浏览量", s_uv: "访客", s_rejected: "被拒绝的事件", s_requests: "请求数", s_errors: "错误数", s_error_rate: "错误率", s_p95_ms: "p95（毫秒）",
  s_lag_seconds: "延迟秒数", s_lag_events: "延迟事件数", s_unbalanced: "账目不平", w_silence: "{window} 内没有事件", side: "触发条件",
  topic: "主题", above: "高于", below: "低于", limit: "界限", metric: "指标", percent: "百分比", direction: "当它", window: "时间窗口",
  d_up: "增加", d_down: "减少", d_both: "任一方向", what: "监控", deliveries: "最近通知",
};
export default zh;
