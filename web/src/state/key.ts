/** Keys as text: `h5.pv.85.41`; inside a part `.` is written `%2E` and `%` `%25`. */

export const PARTS = ["category", "action", "label", "value"] as const;

export function keyParts(text: string): string[] {
  return text ? text.split(".").slice(0, 4).map((part) => part.replaceAll("%2E", ".").replaceAll("%25", "%")) : [];
}

export function keyText(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll("%", "%25").replaceAll(".", "%2E")).join(".");
}
