"use strict";
(() => {
  const findings = [...document.querySelectorAll(".finding")];
  const filters = document.querySelector(".filters");
  const search = filters.querySelector("input");
  const selects = [...filters.querySelectorAll("select")];
  const bars = [...document.querySelectorAll(".bar")];
  const shown = document.querySelector("#shown");
  const texts = new Map();

  const text = (one) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one);
  };

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((select) => select.selectedIndex > 0);
    let count = 0;
    for (const one of findings) {
      const fits = wanted.every((select) => one.dataset[select.name] === select.value) && words.every((word) => text(one).includes(word));
      one.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${findings.length} shown`;
    for (const bar of bars) {
      const select = selects.find((one) => one.name === bar.dataset.name);
      bar.setAttribute("aria-pressed", String(select.selectedIndex > 0 && select.value === bar.dataset.value));
    }
  };

  search.addEventListener("input", apply);
  for (const select of selects) select.addEventListener("change", apply);
  filters.addEventListener("reset", () => setTimeout(apply));
  filters.addEventListener("submit", (event) => event.preventDefault());
  for (const bar of bars) {
    bar.addEventListener("click", () => {
      const select = selects.find((one) => one.name === bar.dataset.name);
      const index = [...select.options].findIndex((option, index) => index > 0 && option.value === bar.dataset.value);
      select.selectedIndex = bar.getAttribute("aria-pressed") === "true" ? 0 : Math.max(index, 0);
      apply();
    });
  }
  document.querySelector(".theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  for (const one of document.querySelectorAll(".script")) one.hidden = false;
  apply();
})();
