/** The stepped bars as a picture. */
import { colour, EDGE, HEAD, sheet } from "@/components/picture";

export interface Drawn { name: string; figures: string; share: number; before: number; lost: string }

const WIDTH = 960, STEP = 88, BAR = 28;

export function barsPicture(title: string, rows: readonly Drawn[]): Promise<Blob> {
  const { pen, put, done } = sheet(title, WIDTH, HEAD + STEP * rows.length + 8);
  const wide = WIDTH - 2 * EDGE;
  rows.forEach((row, n) => {
    const top = HEAD + STEP * n;
    put(row.name, EDGE, top + 12, { width: wide * 0.7, weight: 600 });
    put(row.figures, WIDTH - EDGE, top + 12, { align: "right", width: wide * 0.3 });
    for (const [name, share] of [["hover", 1], ["share", row.before], ["s1", row.share]] as const) {
      pen.fillStyle = colour(name);
      pen.fillRect(EDGE, top + 26, wide * Math.min(1, share), BAR);
    }
    if (row.lost) put(`↳ ${row.lost}`, EDGE, top + 68, { width: wide, style: colour("muted") });
  });
  return done();
}
