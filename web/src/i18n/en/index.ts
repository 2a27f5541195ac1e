/** One file a page; a new file here is all that a new page needs. */
const files = import.meta.glob<{ default: Record<string, string> }>("./*.ts", { eager: true });

export default Object.fromEntries(
  Object.entries(files).filter(([path]) => path !== "./index.ts").map(([path, file]) => [path.slice(2, -3), file.default]),
);
