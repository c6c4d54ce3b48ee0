// Brings the page of a sweep to life: its figures in the colours of the theme, and the button.
let chosen = "";
function show() {
  if (showTheme(chosen)) drawGiven();
}
byId("theme").hidden = false;
byId("theme").addEventListener("click", () => { chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; show(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
copyable();
show();
