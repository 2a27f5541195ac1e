export default {
  now: "Visitors now", now_hint: "In the last 5 minutes", per_minute: "Views by minute", per_minute_hint: "The last 30 minutes",
  views_minute: "Views a minute", pages: "Pages now", stream: "Events as they come", pause: "Pause", resume: "Go on",
  waiting: "{n} event waiting|{n} events waiting", connecting: "Connecting …", connected: "Connected", lost: "The connection was lost; trying again",
  paused: "Paused", none: "No event yet. Whatever is stored appears here within two seconds.", received: "Received", key: "Key", page: "Page",
  device: "Device", site: "Site", from: "From", trace: "Trace", open: "Follow this event through the pipeline", clear: "Empty the list",
  busy: "Too many are watching already", a_minute: "a minute", rate: "Events a second",
};
