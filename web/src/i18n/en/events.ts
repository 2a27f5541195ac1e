export default {
  all: "All events", path: "Key", level_category: "Categories", level_action: "Actions", level_label: "Labels", level_value: "Values",
  trend: "Trend", here: "(ends here)", share_of: "Share of {key}", breakdown: "Broken down by", deepest: "This is a whole key: it has no next level.",
  series: "Views and visitors", up: "One level up", filter_rows: "Search this level", views_of: "{share} of all events",
  empty: "No event has this key in these days", tree: "Key tree", property: "Property …", property_name: "Name of the property",
};
