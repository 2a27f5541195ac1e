/** Choices of this browser: theme, language, a collapsed rail. A private window keeps nothing, and works all the same. */

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`eventmill.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`eventmill.${name}`);
    else localStorage.setItem(`eventmill.${name}`, value);
  } catch { /* nothing to do */ }
}
