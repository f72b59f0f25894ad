// Which part of the Earth is on the screen: a centre, a zoom and one of two projections.
import { geoEqualEarth, geoOrthographic, type GeoProjection } from "d3-geo";
import type { LonLat } from "./lonlat";

export type Mode = "globe" | "flat";

export const RADIANS = Math.PI / 180;
const FINEST_PX = 600_000; // pixels per radian, about 10 m per pixel: finer than any outline is true
const MARGIN = 0.93;

// Equal Earth (Savric, Patterson, Jenny 2018) is x = longitude * stretch(latitude), y = height(latitude). That it
// falls apart like this is what makes fast drawing possible; d3's geoEqualEarth draws the outlines, and a test
// of the page compares the two.
const A = [1.340264, -0.081106, 0.000893, 0.003796] as const;
const M = Math.sqrt(3) / 2;

export function stretch(phi: number): number {
  const l = Math.asin(M * Math.sin(phi));
  const l2 = l * l;
  const l6 = l2 * l2 * l2;
  return Math.cos(l) / (M * (A[0] + 3 * A[1] * l2 + l6 * (7 * A[2] + 9 * A[3] * l2)));
}

export function height(phi: number): number {
  const l = Math.asin(M * Math.sin(phi));
  const l2 = l * l;
  const l6 = l2 * l2 * l2;
  return l * (A[0] + A[1] * l2 + l6 * (A[2] + A[3] * l2));
}

const TOP = height(Math.PI / 2);
const SIDE = Math.PI * stretch(0);

function latitudeAt(y: number): number {
  let low = -Math.PI / 2;
  let high = Math.PI / 2;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (height(middle) < y) low = middle;
    else high = middle;
  }
  return (low + high) / 2 / RADIANS;
}

export class View {
  mode: Mode = "globe";
  lon = 0;
  lat = 0;
  zoom = 1;
  width = 1;
  height = 1;

  /** Pixels per radian at the centre of the whole Earth's view. */
  base(mode = this.mode): number {
    if (mode === "globe") return (MARGIN * Math.min(this.width, this.height)) / 2;
    return Math.min((0.97 * this.width) / (2 * SIDE), (MARGIN * this.height) / (2 * TOP));
  }

  get scale(): number {
    return this.base() * this.zoom;
  }

  get finest(): number {
    return FINEST_PX / this.base();
  }

  /** The centre's latitude in degrees; the flat map never leaves the window further than it must. */
  get shownLat(): number {
    if (this.mode === "globe") return this.lat;
    const room = TOP - this.height / 2 / this.scale;
    if (room <= 0) return 0;
    const y = height(this.lat * RADIANS);
    return Math.abs(y) <= room ? this.lat : latitudeAt(Math.sign(y) * room);
  }

  resize(width: number, height: number): void {
    const scale = this.scale;
    const whole = this.zoom === 1;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (!whole) this.setZoom(scale / this.base());
  }

  setZoom(zoom: number): void {
    this.zoom = Math.min(this.finest, Math.max(1, zoom));
  }

  setCentre(lon: number, lat: number): void {
    this.lon = ((((lon + 180) % 360) + 360) % 360) - 180;
    this.lat = Math.min(90, Math.max(-90, lat));
  }

  setMode(mode: Mode): void {
    const scale = this.scale;
    const close = this.zoom > 1.15;
    this.mode = mode;
    this.setZoom(close ? scale / this.base() : 1);
  }

  /** Moves what is under the pointer by so many pixels. */
  pan(dx: number, dy: number): void {
    const k = this.scale;
    if (this.mode === "globe") {
      const lat = this.lat;
      this.setCentre(this.lon - dx / k / RADIANS / Math.max(0.25, Math.cos(lat * RADIANS)), lat + dy / k / RADIANS);
      return;
    }
    const lat = this.shownLat;
    const phi = latitudeAt(height(lat * RADIANS) + dy / k);
    this.setCentre(this.lon - dx / k / stretch(phi * RADIANS) / RADIANS, phi);
  }

  /** Zooms by `factor`, keeping the place under (x, y) where it is. */
  zoomAt(factor: number, x: number, y: number): void {
    const before = this.place(x, y);
    this.setZoom(this.zoom * factor);
    if (!before || this.zoom === 1) return;
    for (let pass = 0; pass < 3; pass++) {
      const at = this.project(before);
      if (!at) return;
      this.pan(x - at[0], y - at[1]);
    }
  }

  projection(): GeoProjection {
    const k = this.scale;
    const pad = 40;
    const extent: [LonLat, LonLat] = [
      [-pad, -pad],
      [this.width + pad, this.height + pad],
    ];
    if (this.mode === "globe") {
      // beyond this angle from the centre nothing is on the screen: clip there, before d3 refines the edges
      const corner = Math.hypot(this.width, this.height) / 2 + pad;
      const angle = corner < k ? Math.asin(corner / k) / RADIANS + 0.01 : 90 - 1e-6;
      return geoOrthographic()
        .rotate([-this.lon, -this.lat])
        .scale(k)
        .translate([this.width / 2, this.height / 2])
        .clipAngle(angle)
        .clipExtent(extent)
        .precision(0.4);
    }
    return geoEqualEarth()
      .rotate([-this.lon, 0])
      .scale(k)
      .translate([this.width / 2, this.height / 2 + k * height(this.shownLat * RADIANS)])
      .clipExtent(extent)
      .precision(0.4);
  }

  /** Where a place is on the screen; null when it is on the far side. */
  project([lon, lat]: LonLat): [number, number] | null {
    const k = this.scale;
    const phi = lat * RADIANS;
    const turn = ((((lon - this.lon + 180) % 360) + 360) % 360) - 180;
    const lambda = turn * RADIANS;
    if (this.mode === "flat") {
      const top = height(this.shownLat * RADIANS);
      return [this.width / 2 + k * lambda * stretch(phi), this.height / 2 - k * (height(phi) - top)];
    }
    const centre = this.lat * RADIANS;
    const facing = Math.sin(centre) * Math.sin(phi) + Math.cos(centre) * Math.cos(phi) * Math.cos(lambda);
    if (facing < 0) return null;
    return [
      this.width / 2 + k * Math.cos(phi) * Math.sin(lambda),
      this.height / 2 - k * (Math.cos(centre) * Math.sin(phi) - Math.sin(centre) * Math.cos(phi) * Math.cos(lambda)),
    ];
  }

  /** The place at a point of the screen; null beside the Earth. */
  place(x: number, y: number): LonLat | null {
    const k = this.scale;
    const dx = (x - this.width / 2) / k;
    const dy = (this.height / 2 - y) / k;
    if (this.mode === "flat") {
      const up = dy + height(this.shownLat * RADIANS);
      if (Math.abs(up) > TOP) return null;
      const lat = latitudeAt(up);
      const turn = dx / stretch(lat * RADIANS) / RADIANS;
      return Math.abs(turn) > 180 ? null : [wrapped(this.lon + turn), lat];
    }
    const rho = Math.hypot(dx, dy);
    if (rho > 1) return null;
    const away = Math.sqrt(1 - rho * rho);
    const centre = this.lat * RADIANS;
    const lat = Math.asin(Math.min(1, Math.max(-1, away * Math.sin(centre) + dy * Math.cos(centre))));
    const turn = Math.atan2(dx, away * Math.cos(centre) - dy * Math.sin(centre));
    return [wrapped(this.lon + turn / RADIANS), lat / RADIANS];
  }

  /** Kilometres per pixel, west to east, at the centre of the screen. */
  kmPerPixel(radiusKm: number): number {
    if (this.mode === "globe") return radiusKm / this.scale;
    const phi = this.shownLat * RADIANS;
    return (radiusKm * Math.cos(phi)) / (this.scale * stretch(phi));
  }

  /** The largest zoom, up to the given one, at which all places are on the screen when `centre` is in the middle. */
  zoomHolding(places: LonLat[], centre: LonLat, most: number): number {
    const probe = Object.assign(new View(), this);
    probe.setCentre(...centre);
    const margin = 0.08 * Math.min(this.width, this.height);
    const holds = (place: LonLat) => {
      const at = probe.project(place);
      return at && Math.abs(at[0] - this.width / 2) < this.width / 2 - margin && Math.abs(at[1] - this.height / 2) < this.height / 2 - margin;
    };
    for (probe.setZoom(most); probe.zoom > 1 && !places.every(holds); ) probe.setZoom(probe.zoom / 1.15);
    return probe.zoom;
  }

  /** The zoom at which a circle of this radius (radians) fills most of the screen. */
  zoomFor(radius: number): number {
    const half = 0.4 * Math.min(this.width, this.height);
    const size = this.mode === "globe" ? Math.sin(Math.min(radius, Math.PI / 2)) : radius;
    return Math.min(this.finest, Math.max(1, half / size / this.base()));
  }
}

export const wrapped = (lon: number): number => ((((lon + 180) % 360) + 360) % 360) - 180;
