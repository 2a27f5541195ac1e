/** The heat map as a picture. */
import { colour, EDGE, HEAD, sheet } from "@/components/picture";
import { percent, short } from "@/format/numbers";
import type { HeatRow } from "@/retention/Heat.vue";
import { shade } from "@/retention/shade";

const NAME = 132, COUNT = 84, CELL = 72, ROW = 34, GAP = 2, MOST = 60;

export function heatPicture(title: string, heads: readonly string[], all: readonly HeatRow[]): Promise<Blob> {
  const rows = all.slice(0, MOST), cells = heads.length - 2;
  const width = Math.max(480, 2 * EDGE + NAME + COUNT + CELL * cells);
  const { pen, put, done } = sheet(title, width, HEAD + ROW * (rows.length + 1) + EDGE);
  const left = (at: number) => EDGE + NAME + COUNT + CELL * at;
  heads.forEach((head, n) => {
    if (n < 2) put(head, n ? EDGE + NAME + COUNT - 12 : EDGE, HEAD + ROW / 2, { align: n ? "right" : "left", width: n ? COUNT : NAME, style: colour("muted") });
    else put(head, left(n - 2) + CELL / 2, HEAD + ROW / 2, { align: "center", width: CELL, style: colour("muted") });
  });
  rows.forEach((row, n) => {
    const top = HEAD + ROW * (n + 1), middle = top + ROW / 2;
    put(row.name, EDGE, middle, { width: NAME - 8, weight: n ? 400 : 600 });
    put(short(row.visitors), EDGE + NAME + COUNT - 12, middle, { align: "right", width: COUNT });
    row.cells.forEach((cell, at) => {
      if (!cell) return;
      for (const [name, alpha] of [["hover", 1], ["s1", shade(cell.share) / 100]] as const) {
        pen.globalAlpha = alpha;
        pen.fillStyle = colour(name);
        pen.fillRect(left(at), top, CELL - GAP, ROW - GAP);
      }
      pen.globalAlpha = 1;
      put(percent(cell.share), left(at) + (CELL - GAP) / 2, middle - 1, { align: "center", width: CELL });
    });
  });
  return done();
}
