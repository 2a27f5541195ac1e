/** ECharts, loaded when the first chart is drawn; the rarer kinds with the page that needs them. */

export type Kind = "sankey";
const KINDS: Record<Kind, () => Promise<unknown>> = { sankey: () => import("./sankey") };

export async function loadCharts(kinds: readonly Kind[] = []): Promise<typeof import("./core").echarts> {
  const [core] = await Promise.all([import("./core"), ...kinds.map((kind) => KINDS[kind]())]);
  return core.echarts;
}
