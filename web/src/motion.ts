// Flights from one view to another, and when the Earth counts as moving.
import { geoDistance, geoInterpolate } from "d3-geo";
import type { LonLat } from "./lonlat";
import type { View } from "./view";

const STILL_AFTER_MS = 140;

export class Motion {
  private frame = 0;
  private flight = 0;
  private stillTimer = 0;
  moving = false;

  constructor(
    private readonly view: View,
    private readonly paint: () => void,
  ) {}

  /** Paint soon, once. */
  refresh(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  /** Something moves: paint fast now, and beautifully when it has come to rest. */
  stir(): void {
    this.moving = true;
    clearTimeout(this.stillTimer);
    this.stillTimer = window.setTimeout(() => {
      this.moving = false;
      this.refresh();
    }, STILL_AFTER_MS);
    this.refresh();
  }

  stop(): void {
    cancelAnimationFrame(this.flight);
    this.flight = 0;
  }

  flyTo(place: LonLat, zoom: number): void {
    this.stop();
    const { view } = this;
    const target = Math.min(view.finest, Math.max(1, zoom));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      view.setCentre(...place);
      view.setZoom(target);
      this.refresh();
      return;
    }
    const from: LonLat = [view.lon, view.shownLat];
    const way = geoInterpolate(from, place);
    const angle = geoDistance(from, place);
    const [start, end] = [Math.log(view.zoom), Math.log(target)];
    // far flights rise first, as far as is needed to see both ends
    const needed = Math.log(Math.max(1, Math.min(view.zoom, target, view.zoomFor(Math.max(angle, 1e-6)))));
    const dip = Math.max(0, (start + end) / 2 - needed);
    const lasts = 350 + 900 * Math.min(1, (angle + Math.abs(end - start) + dip) / 4);
    const began = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, Math.max(0, (now - began) / lasts));
      const eased = t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
      view.setCentre(...(way(eased) as LonLat));
      view.setZoom(Math.exp(start + eased * (end - start) - dip * Math.sin(Math.PI * eased)));
      this.stir();
      this.flight = t < 1 ? requestAnimationFrame(tick) : 0;
    };
    this.flight = requestAnimationFrame(tick);
  }

  zoomBy(factor: number): void {
    this.flyTo([this.view.lon, this.view.shownLat], this.view.zoom * factor);
  }
}
