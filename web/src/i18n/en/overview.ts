export default {
  visitors_views: "Visitors and views", visits: "Visits", bounce: "Bounce rate", duration: "Mean duration of a visit",
  pages: "Pages", page: "Page", entry: "Entry", exit: "Exit", sources: "Sources", source: "Source", channel: "Channel",
  referrer: "Referrer", campaign: "Campaign", keys: "Keys", category: "Category", key: "Whole key", events: "Events",
  action: "Action", label: "Label", topic: "Topic", devices: "Devices", device: "Device", browser: "Browser", os: "System",
  screen: "Screen", places: "Countries and languages", country: "Country", language: "Language", sites: "Sites", site: "Site",
  products: "Products", product: "Product",
  no_country: "No country is known: name an MMDB file under [geo] database in the configuration.",
  visitors_note: "Days added up where visitors have no lasting id",
};
