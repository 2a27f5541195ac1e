/** A card as a picture. Charts hand in their own; lists and tables are drawn here. */
import type { InjectionKey, ShallowRef } from "vue";

import { cell, numeric, type Table } from "@/components/table";

export const PICTURE: InjectionKey<ShallowRef<(() => Promise<Blob>) | null>> = Symbol("picture");

const SCALE = 2, WIDTH = 720, LEFT = 24, ROW = 28, HEAD = 56, MOST = 60;

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((done, failed) => canvas.toBlob((made) => (made ? done(made) : failed(new Error("no picture"))), "image/png"));
}

/** The first rows of a table under its title. */
export function tablePicture(title: string, table: Table): Promise<Blob> {
  const rows = table.rows.slice(0, MOST);
  const canvas = document.createElement("canvas");
  const height = HEAD + ROW * (rows.length + 1) + 16;
  canvas.width = WIDTH * SCALE;
  canvas.height = height * SCALE;
  const pen = canvas.getContext("2d")!;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = colour("card");
  pen.fillRect(0, 0, WIDTH, height);
  pen.textBaseline = "middle";
  const family = getComputedStyle(document.body).fontFamily;
  const put = (text: string, x: number, y: number, right: boolean, width: number, style: string, font: string) => {
    pen.font = `${font} ${family}`;
    pen.fillStyle = style;
    pen.textAlign = right ? "right" : "left";
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > width) shown = `${shown.slice(0, -2).trimEnd()}…`;
    pen.fillText(shown, x, y);
  };
  put(title, LEFT, HEAD / 2, false, WIDTH - 2 * LEFT, colour("text"), "600 16px");
  const figures = table.columns.filter((column) => numeric(column.kind)).length;
  const texts = table.columns.length - figures;
  const narrow = Math.min(112, (WIDTH - 2 * LEFT) / table.columns.length);
  const wide = (WIDTH - 2 * LEFT - narrow * figures) / Math.max(1, texts);
  let x = LEFT;
  for (const column of table.columns) {
    const right = numeric(column.kind), width = right ? narrow : wide, at = right ? x + width : x;
    put(column.label, at, HEAD + ROW / 2, right, width - 12, colour("muted"), "500 12px");
    rows.forEach((row, n) => put(cell(row[column.key], column.kind), at, HEAD + ROW * (n + 1.5), right, width - 12, colour("text"), "14px"));
    x += width;
  }
  pen.fillStyle = colour("border");
  rows.forEach((_, n) => pen.fillRect(LEFT, HEAD + ROW * (n + 1), WIDTH - 2 * LEFT, 1));
  return blobOf(canvas);
}
