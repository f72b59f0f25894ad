// What the colours mean, with numbers, and how long a kilometre is here.
import { h } from "./dom";
import { LEGEND } from "./strings";
import { colours } from "./painter";
import { strength, valueAt, type Scale, type Shading } from "./shading";
import type { Theme } from "./theme";
import { count, distance, percent } from "./words";

const SCALES: [Scale, string][] = [
  ["root", LEGEND.root],
  ["linear", LEGEND.linear],
  ["log", LEGEND.log],
  ["opacity", LEGEND.opacity],
];

export class Legend {
  readonly element = h("div", { class: "legend" });
  private readonly strip = h("canvas", { class: "strip", width: 200, height: 1, "aria-hidden": "true" });
  private readonly ticks = h("div", { class: "ticks" });
  private readonly name = h("span", { class: "legend-name" });
  private readonly scales: HTMLSelectElement;

  constructor(choose: (scale: Scale) => void) {
    this.scales = h(
      "select",
      { "aria-label": LEGEND.scale, onchange: () => choose(this.scales.value as Scale) },
      ...SCALES.map(([value, text]) => h("option", { value }, text)),
    );
    this.element.append(h("div", { class: "legend-head" }, this.name, this.scales), this.strip, this.ticks);
  }

  show(shading: Shading | null, theme: Theme): void {
    this.element.hidden = !shading || shading.maximum <= 0 || (shading.kind === "photos" && shading.maximum <= 1);
    if (!shading || this.element.hidden) return;
    const probable = shading.kind === "probability";
    this.name.textContent = probable ? LEGEND.probability : LEGEND.photos;
    this.scales.hidden = !probable;
    this.scales.value = shading.scale;
    const context = this.strip.getContext("2d")!;
    const colour = colours(shading, theme);
    context.clearRect(0, 0, 200, 1);
    for (let x = 0; x < 200; x++) {
      context.fillStyle = colour((x + 0.5) / 200);
      context.fillRect(x, 0, 1, 1);
    }
    const write = probable ? percent : (value: number) => count(value);
    const marks = probable ? [0.35, 0.65, 1] : [0.1, 0.5, 1];
    this.ticks.replaceChildren(
      ...marks.map((at) => {
        const value = probable ? valueAt(at, shading) : Math.round(valueAt(at, shading));
        const tick = h("span", {}, write(value));
        tick.style.setProperty("--at", String(strength(value, shading)));
        return tick;
      }),
    );
  }
}

export class ScaleBar {
  private readonly bar = h("span", { class: "scale-bar" });
  private readonly text = h("span", {});
  private readonly pointer = h("span", { class: "pointer-place" });
  readonly element = h("div", { class: "scale", "aria-hidden": "true" }, this.pointer, this.text, this.bar);

  show(kmPerPixel: number): void {
    const room = 110 * kmPerPixel;
    const power = 10 ** Math.floor(Math.log10(room));
    const km = power * ([5, 2, 1].find((step) => step * power <= room) ?? 1);
    this.text.textContent = distance(km).replace(".0\u00a0km", "\u00a0km");
    this.bar.style.width = `${(km / kmPerPixel).toFixed(1)}px`;
  }

  point(text: string): void {
    this.pointer.textContent = text;
  }
}
