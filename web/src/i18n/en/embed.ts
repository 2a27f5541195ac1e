export default {
  title: "Chart", time: "Visitors and views", pages: "Pages", sources: "Sources", countries: "Countries", browsers: "Browsers", events: "Events", flows: "Flows", requests: "Requests",
  unknown: "There is no such chart", unknown_text: "The address ends with one of: {names}.", by: "by eventmill", ended: "This link has ended", ended_text: "Ask whoever shared it for a new one.",
};
