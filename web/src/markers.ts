// Estimate, truth, the line between them, and the ranks of the candidates: SVG above the canvas.
import { geoInterpolate, geoPath } from "d3-geo";
import { s } from "./dom";
import type { LonLat } from "./lonlat";
import type { Photo } from "./scene";
import type { View } from "./view";
import { distance } from "./words";

const PIN = "M0 0C-2.2-6.5-8.5-9.6-8.5-17a8.5 8.5 0 0 1 17 0C8.5-9.6 2.2-6.5 0 0Z";
const RANKS = 5;

export class Markers {
  readonly element = s("svg", { class: "markers", "aria-hidden": "true" });
  private readonly line = s("path", { class: "error-line" });
  private readonly lineHalo = s("path", { class: "error-line-halo" });
  private readonly far = s("text", { class: "error-km", "text-anchor": "middle" });
  private readonly pin = s(
    "g",
    { class: "pin" },
    s("ellipse", { class: "pin-shadow", rx: 4.5, ry: 1.8 }),
    s("path", { class: "pin-body", d: PIN }),
    s("circle", { class: "pin-eye", cy: -17, r: 3.2 }),
  );
  private readonly truth = s(
    "g",
    { class: "truth" },
    s("circle", { class: "truth-ring", r: 8 }),
    s("circle", { class: "truth-eye", r: 3.2 }),
  );
  private readonly ranks: SVGGElement[] = [];
  private readonly rankTexts: SVGTextElement[] = [];
  private photo: Photo | null = null;

  constructor(private readonly view: View) {
    for (let rank = 0; rank < RANKS; rank++) {
      const text = s("text", { "text-anchor": "middle", dy: "0.35em" }, String(rank + 1));
      this.rankTexts.push(text);
      this.ranks.push(s("g", { class: "rank" }, s("circle", { r: 8.5 }), text));
    }
    this.element.append(...[...this.ranks].reverse(), this.lineHalo, this.line, this.truth, this.pin, this.far);
  }

  show(photo: Photo | null): void {
    this.photo = photo;
    this.far.textContent = photo?.errorKm != null ? distance(photo.errorKm) : "";
    this.update();
  }

  update(): void {
    const { estimate = null, truth = null, candidates = [] } = this.photo ?? {};
    const pin = this.place(this.pin, estimate);
    this.place(this.truth, truth);
    this.updateLine(estimate, truth);
    const shown: [number, number][] = pin ? [pin] : [];
    this.ranks.forEach((group, rank) => {
      const candidate = candidates[rank];
      const at = candidate && candidates.length > 1 ? this.view.project(candidate.place) : null;
      const free = at && shown.every(([x, y]) => Math.hypot(x - at[0], y - at[1]) > 17);
      group.classList.toggle("away", !free);
      if (!free) return;
      shown.push(at);
      group.setAttribute("transform", translate(at));
    });
  }

  private updateLine(estimate: LonLat | null, truth: LonLat | null): void {
    const line = estimate && truth ? { type: "LineString" as const, coordinates: [estimate, truth] } : null;
    const d = (line && geoPath(this.view.projection())(line)) ?? "";
    this.line.setAttribute("d", d);
    this.lineHalo.setAttribute("d", d);
    const from = estimate && this.view.project(estimate);
    const to = truth && this.view.project(truth);
    const long = from && to ? Math.hypot(from[0] - to[0], from[1] - to[1]) : 0;
    const middle = estimate && truth ? this.view.project(geoInterpolate(estimate, truth)(0.5)) : null;
    this.far.classList.toggle("away", !middle || long < 50);
    if (middle) this.far.setAttribute("transform", translate([middle[0], middle[1] - 9]));
  }

  private place(group: SVGGElement, place: LonLat | null): [number, number] | null {
    const at = place && this.view.project(place);
    group.classList.toggle("away", !at);
    if (at) group.setAttribute("transform", translate(at));
    return at;
  }
}

const translate = ([x, y]: [number, number]): string => `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
