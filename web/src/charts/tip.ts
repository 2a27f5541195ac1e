/** A tooltip as elements: what it names comes from events, and the page allows no inline style. */

export interface TipRow {
  name: string;
  value: string;
  /** Which of the eight colours: `s1` … `s8`, or none. */
  mark?: string;
  dashed?: boolean;
  /** A share or a change, small, behind the value. */
  note?: string;
}

export function tip(title: string, rows: readonly TipRow[], foot = ""): HTMLElement {
  const box = element("div", "tip");
  box.append(element("div", "tip-title", title));
  for (const row of rows) {
    const line = element("div", "tip-row");
    line.append(
      element("i", `tip-mark ${row.mark ?? "none"}${row.dashed ? " dashed" : ""}`), element("span", "tip-name", row.name),
      element("b", "", row.value), element("span", "tip-note", row.note ?? ""),
    );
    box.append(line);
  }
  if (foot) box.append(element("div", "tip-foot", foot));
  return box;
}

function element(name: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
