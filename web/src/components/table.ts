/** A card's content as rows and columns: what "as table" shows and what its CSV holds. */
import { bytes, duration, exact, milliseconds, percent, short } from "@/format/numbers";

export type Kind = "text" | "number" | "exact" | "percent" | "duration" | "bytes" | "ms";
export interface Column { key: string; label: string; kind?: Kind }
export type Cell = string | number | boolean | null | undefined;
export interface Table { columns: Column[]; rows: Record<string, Cell>[] }

export function cell(value: Cell, kind: Kind = "text", long = false): string {
  if (kind === "text") return value === null || value === undefined ? "—" : String(value);
  const number = typeof value === "number" ? value : null;
  switch (kind) {
    case "number": return long ? exact(number) : short(number);
    case "exact": return exact(number);
    case "percent": return percent(number);
    case "duration": return duration(number);
    case "ms": return milliseconds(number);
    case "bytes": return bytes(number);
  }
}

export function numeric(kind: Kind | undefined): boolean {
  return kind !== undefined && kind !== "text";
}

/** RFC 4180. A cell that a spreadsheet would run as a formula begins with an apostrophe. */
export function csv(table: Table): string {
  const lines = [table.columns.map((column) => quoted(column.label)), ...table.rows.map((row) => table.columns.map((column) => quoted(row[column.key])))];
  return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
}

function quoted(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) && !/^[+-]?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Hands a file to the browser. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
