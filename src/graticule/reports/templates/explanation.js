const opacity = document.getElementById("opacity");
const shown = document.getElementById("shown");
const show = () => {
  document.documentElement.style.setProperty("--opacity", opacity.value / 100);
  shown.textContent = opacity.value + " %";
};
const choose = (method) => {
  for (const part of document.querySelectorAll("[data-method]")) part.hidden = part.dataset.method !== method;
};
opacity.addEventListener("input", show);
for (const radio of document.querySelectorAll("input[name=method]"))
  radio.addEventListener("change", () => choose(radio.value));
const chosen = document.querySelector("input[name=method]:checked");
if (chosen) choose(chosen.value);
show();
