/** Links between steps as a Sankey option: a node is a page at a step, so the same page may stand in each column. */
import { tooltip, type Option } from "@/charts/base";
import { fade, type Palette } from "@/charts/palette";
import { tip } from "@/charts/tip";
import { exact, percent, short } from "@/format/numbers";
import { t } from "@/i18n";

export interface FlowNode { step: number; name: string; sessions: number }
export interface FlowLink { step: number; from: string; to: string; sessions: number; share: number }
export interface FlowsAnswer { sessions: number; nodes: FlowNode[]; links: FlowLink[]; exits: FlowNode[] }

export const FOLDED = "(other)";
const LONGEST = 26;

export function pageName(name: string): string {
  return name === FOLDED ? t("flows.other") : name || t("common.none");
}

/** The end of a long name says more than its middle. */
function cut(name: string): string {
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 9)}…${name.slice(-8)}` : name;
}

export function option(answer: FlowsAnswer, colours: Palette): Option {
  // A step's number first: whatever the page is called, the key stays unique and is taken apart again.
  const key = (step: number, name: string): string => `${step} ${name}`;
  const linked = new Set(answer.links.flatMap((link) => [key(link.step, link.from), key(link.step + 1, link.to)]));
  const nodes = answer.nodes.filter((node) => linked.has(key(node.step, node.name)));
  const pages = [...new Set(nodes.map((node) => node.name))].filter((name) => name !== FOLDED);
  const colour = (name: string): string => {
    const place = pages.indexOf(name);
    if (name === FOLDED) return fade(colours.series[6]!, 0.45);
    return place > 6 ? colours.series[6]! : colours.series[place === 6 ? 7 : place]!;
  };
  const last = Math.max(...nodes.map((node) => node.step), 0);
  return {
    tooltip: tooltip({
      trigger: "item",
      formatter: (given: unknown) => {
        const { dataType, data } = given as { dataType: string; data: { node?: FlowNode; link?: FlowLink } };
        if (dataType === "edge" && data.link) {
          return tip(`${pageName(data.link.from)} → ${pageName(data.link.to)}`, [{ name: t("flows.visits"), value: exact(data.link.sessions), note: `${percent(data.link.share)} ${t("flows.tip_in")}` }]);
        }
        return data.node ? tip(pageName(data.node.name), [{ name: t("flows.visits"), value: exact(data.node.sessions), note: `${t("flows.step")} ${data.node.step + 1}` }]) : "";
      },
    }),
    series: [{
      type: "sankey", left: 2, right: 150, top: 8, bottom: 8, nodeWidth: 10, nodeGap: 12, layoutIterations: 48, draggable: false,
      emphasis: { focus: "trajectory", lineStyle: { opacity: 0.55 } }, blur: { itemStyle: { opacity: 0.35 }, lineStyle: { opacity: 0.08 } },
      lineStyle: { color: "source", opacity: 0.22, curveness: 0.5 },
      label: { color: colours.text, fontSize: 12 },
      data: nodes.map((node) => ({
        name: key(node.step, node.name), depth: node.step, node, itemStyle: { color: colour(node.name), borderWidth: 0 },
        label: { position: "right", formatter: `${cut(pageName(node.name))}  ${short(node.sessions)}`, backgroundColor: node.step === last ? undefined : fade(colours.card, 0.7) },
      })),
      links: answer.links.map((link) => ({ source: key(link.step, link.from), target: key(link.step + 1, link.to), value: link.sessions, link })),
    }],
  };
}
