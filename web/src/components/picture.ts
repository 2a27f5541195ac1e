/** A card as a picture. Charts hand in their own; lists and tables are drawn here. */
import type { InjectionKey, ShallowRef } from "vue";

import { cell, numeric, type Table } from "@/components/table";

export const PICTURE: InjectionKey<ShallowRef<(() => Promise<Blob>) | null>> = Symbol("picture");

/** Where the first line below the title begins, and how far all stays from the border, in px. */
export const HEAD = 56, EDGE = 24;
const SCALE = 2, WIDTH = 720, ROW = 28, MOST = 60;

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((done, failed) => canvas.toBlob((made) => (made ? done(made) : failed(new Error("no picture"))), "image/png"));
}

interface Style { align?: "left" | "right" | "center"; width: number; style?: string; weight?: number; size?: number }
interface Sheet { pen: CanvasRenderingContext2D; put: (text: string, x: number, y: number, style: Style) => void; done: () => Promise<Blob> }

/** An empty picture with a title, to be drawn on; texts that are wider than `width` are cut. */
export function sheet(title: string, width: number, height: number): Sheet {
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  const pen = canvas.getContext("2d")!;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = colour("card");
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  const family = getComputedStyle(document.body).fontFamily;
  const put: Sheet["put"] = (text, x, y, { align = "left", width: most, style = colour("text"), weight = 400, size = 14 }) => {
    pen.font = `${weight} ${size}px ${family}`;
    pen.fillStyle = style;
    pen.textAlign = align;
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > most) shown = `${shown.slice(0, -2).trimEnd()}…`;
    pen.fillText(shown, x, y);
  };
  put(title, EDGE, HEAD / 2, { width: width - 2 * EDGE, weight: 600, size: 16 });
  return { pen, put, done: () => blobOf(canvas) };
}

/** The first rows of a table under its title. */
export function tablePicture(title: string, table: Table): Promise<Blob> {
  const rows = table.rows.slice(0, MOST);
  const { pen, put, done } = sheet(title, WIDTH, HEAD + ROW * (rows.length + 1) + 16);
  const figures = table.columns.filter((column) => numeric(column.kind)).length;
  const texts = table.columns.length - figures;
  const narrow = Math.min(112, (WIDTH - 2 * EDGE) / table.columns.length);
  const wide = (WIDTH - 2 * EDGE - narrow * figures) / Math.max(1, texts);
  let x = EDGE;
  for (const column of table.columns) {
    const right = numeric(column.kind), width = right ? narrow : wide, at = right ? x + width : x;
    const align = right ? "right" as const : "left" as const;
    put(column.label, at, HEAD + ROW / 2, { align, width: width - 12, style: colour("muted"), weight: 500, size: 12 });
    rows.forEach((row, n) => put(cell(row[column.key], column.kind), at, HEAD + ROW * (n + 1.5), { align, width: width - 12 }));
    x += width;
  }
  pen.fillStyle = colour("border");
  rows.forEach((_, n) => pen.fillRect(EDGE, HEAD + ROW * (n + 1), WIDTH - 2 * EDGE, 1));
  return done();
}
