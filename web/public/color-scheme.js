// Before the first paint, so that a dark page never flashes light. A file of its own: inline scripts are not allowed.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("alongside-color-scheme");
  } catch {
    chosen = null;
  }
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
