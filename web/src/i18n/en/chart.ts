export default {
  peak: "at most {value} at {time}",
  drag: "Drag to zoom, double-click to reset",
  table: "{title} as a table",
};
