export default {
  direct: "Direct or inside the site", search: "Search", social: "Social", mail: "Mail", email: "Mail", ad: "Ads", referral: "Other sites",
  desktop: "Desktop", mobile: "Phone", phone: "Phone", smartphone: "Phone", tablet: "Tablet", tv: "TV", bot: "Bot", bots: "Bots", people: "People", other: "Other",
};
