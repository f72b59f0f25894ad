// The cells as spherical polygons, held in flat arrays so that ten thousand of them can be dragged.
// Edges are great circles: each is divided, as finely as the present scale needs, on the sphere.
import { geoContains } from "d3-geo";
import type { Cells, LonLat } from "./scene";
import { height, RADIANS, stretch, type View } from "./view";

const TURN = 2 * Math.PI;
const TOLERANCE_PX = 0.3;
const POLE = Math.PI / 2 - 1e-7;

type Pen = Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "closePath" | "rect">;

export class CellShapes {
  readonly count: number;
  private readonly starts: Uint32Array;
  private readonly lambda: Float64Array;
  private readonly phi: Float64Array;
  private readonly vectors: Float64Array;
  /** unit vector of the middle and angular radius, per cell */
  private readonly middles: Float64Array;
  readonly radius: Float64Array;

  constructor(private readonly cells: Cells) {
    this.count = cells.count;
    const { starts, lambda, phi } = withPolesSplit(cells);
    this.starts = starts;
    this.lambda = lambda;
    this.phi = phi;
    this.vectors = new Float64Array(3 * lambda.length);
    for (let i = 0; i < lambda.length; i++) {
      this.vectors[3 * i] = Math.cos(phi[i]!) * Math.cos(lambda[i]!);
      this.vectors[3 * i + 1] = Math.cos(phi[i]!) * Math.sin(lambda[i]!);
      this.vectors[3 * i + 2] = Math.sin(phi[i]!);
    }
    this.middles = new Float64Array(3 * this.count);
    this.radius = new Float64Array(this.count);
    for (let cell = 0; cell < this.count; cell++) this.measure(cell);
  }

  /** The cell that holds a place, or -1. */
  at(place: LonLat): number {
    const lambda = place[0] * RADIANS;
    const phi = place[1] * RADIANS;
    const x = Math.cos(phi) * Math.cos(lambda);
    const y = Math.cos(phi) * Math.sin(lambda);
    const z = Math.sin(phi);
    for (let cell = 0; cell < this.count; cell++) {
      const facing = x * this.middles[3 * cell]! + y * this.middles[3 * cell + 1]! + z * this.middles[3 * cell + 2]!;
      if (facing >= Math.cos(this.radius[cell]!) - 1e-12 && geoContains(this.polygon(cell), place)) return cell;
    }
    return -1;
  }

  middle(cell: number): LonLat {
    const [x, y, z] = [this.middles[3 * cell]!, this.middles[3 * cell + 1]!, this.middles[3 * cell + 2]!];
    return [Math.atan2(y, x) / RADIANS, Math.asin(Math.min(1, Math.max(-1, z))) / RADIANS];
  }

  /** The cell for d3, which wants outer rings clockwise as seen from outside. */
  private polygon(cell: number): GeoJSON.Polygon {
    const ring: LonLat[] = [];
    const { starts, corners } = this.cells;
    for (let i = starts[cell]!; i < starts[cell + 1]!; i++) ring.push([corners[2 * i]!, corners[2 * i + 1]!]);
    if (this.isCounterclockwise(cell)) ring.reverse();
    ring.push(ring[0]!);
    return { type: "Polygon", coordinates: [ring] };
  }

  private isCounterclockwise(cell: number): boolean {
    // the sum of the corners' cross products points outwards where the ring runs counterclockwise
    const v = this.vectors;
    let sum = 0;
    const [mx, my, mz] = [this.middles[3 * cell]!, this.middles[3 * cell + 1]!, this.middles[3 * cell + 2]!];
    const [first, end] = [this.starts[cell]!, this.starts[cell + 1]!];
    for (let i = first; i < end; i++) {
      const a = 3 * i;
      const b = 3 * (i + 1 < end ? i + 1 : first);
      sum += mx * (v[a + 1]! * v[b + 2]! - v[a + 2]! * v[b + 1]!);
      sum += my * (v[a + 2]! * v[b]! - v[a]! * v[b + 2]!);
      sum += mz * (v[a]! * v[b + 1]! - v[a + 1]! * v[b]!);
    }
    return sum > 0;
  }

  private measure(cell: number): void {
    const v = this.vectors;
    let [x, y, z] = [0, 0, 0];
    for (let i = this.starts[cell]!; i < this.starts[cell + 1]!; i++) {
      x += v[3 * i]!;
      y += v[3 * i + 1]!;
      z += v[3 * i + 2]!;
    }
    const length = Math.hypot(x, y, z) || 1;
    this.middles.set([x / length, y / length, z / length], 3 * cell);
    let nearest = 1;
    for (let i = this.starts[cell]!; i < this.starts[cell + 1]!; i++) {
      nearest = Math.min(nearest, (x * v[3 * i]! + y * v[3 * i + 1]! + z * v[3 * i + 2]!) / length);
    }
    this.radius[cell] = Math.acos(Math.max(-1, nearest)) + 1e-6;
  }

  /** A function that adds the outline of a cell to a path, for the view as it is now. */
  tracer(view: View): (pen: Pen, cell: number) => boolean {
    return view.mode === "globe" ? this.globeTracer(view) : this.flatTracer(view);
  }

  private globeTracer(view: View): (pen: Pen, cell: number) => boolean {
    const v = this.vectors;
    const k = view.scale;
    const [halfWidth, halfHeight] = [view.width / 2, view.height / 2];
    const [sinLon, cosLon] = [Math.sin(view.lon * RADIANS), Math.cos(view.lon * RADIANS)];
    const [sinLat, cosLat] = [Math.sin(view.lat * RADIANS), Math.cos(view.lat * RADIANS)];
    // rows of the rotation: east, north, towards the viewer
    const [ox, oy, oz] = [cosLat * cosLon, cosLat * sinLon, sinLat];
    const [nx, ny, nz] = [-sinLat * cosLon, -sinLat * sinLon, cosLat];
    const step = Math.sqrt((8 * TOLERANCE_PX) / k);
    const ring: number[] = []; // east, north, towards of each point

    return (pen, cell) => {
      const m = 3 * cell;
      const [mx, my, mz] = [this.middles[m]!, this.middles[m + 1]!, this.middles[m + 2]!];
      const facing = ox * mx + oy * my + oz * mz;
      const radius = this.radius[cell]!;
      if (facing < -Math.sin(radius)) return false; // wholly on the far side
      const reach = k * radius;
      const x = k * (cosLon * my - sinLon * mx);
      const y = k * (nx * mx + ny * my + nz * mz);
      if (Math.abs(x) - reach > halfWidth || Math.abs(y) - reach > halfHeight) return false;
      if (reach < 0.6) {
        if (facing > 0) pen.rect(halfWidth + x - 0.5, halfHeight - y - 0.5, 1, 1);
        return facing > 0;
      }
      ring.length = 0;
      const [first, end] = [this.starts[cell]!, this.starts[cell + 1]!];
      for (let i = first; i < end; i++) {
        const a = 3 * i;
        const b = 3 * (i + 1 < end ? i + 1 : first);
        const [ax, ay, az, bx, by, bz] = [v[a]!, v[a + 1]!, v[a + 2]!, v[b]!, v[b + 1]!, v[b + 2]!];
        const parts = Math.min(512, Math.ceil(Math.hypot(bx - ax, by - ay, bz - az) / step) || 1);
        for (let part = 0; part < parts; part++) {
          let [px, py, pz] = [ax, ay, az];
          if (part) {
            const t = part / parts;
            px += t * (bx - ax);
            py += t * (by - ay);
            pz += t * (bz - az);
            const length = Math.sqrt(px * px + py * py + pz * pz);
            px /= length;
            py /= length;
            pz /= length;
          }
          ring.push(cosLon * py - sinLon * px, nx * px + ny * py + nz * pz, ox * px + oy * py + oz * pz);
        }
      }
      const points = facing > Math.sin(radius) ? ring : clippedAtLimb(ring);
      if (points.length < 9) return false;
      pen.moveTo(halfWidth + k * points[0]!, halfHeight - k * points[1]!);
      for (let i = 3; i < points.length; i += 3) {
        pen.lineTo(halfWidth + k * points[i]!, halfHeight - k * points[i + 1]!);
      }
      pen.closePath();
      return true;
    };
  }

  private flatTracer(view: View): (pen: Pen, cell: number) => boolean {
    const v = this.vectors;
    const k = view.scale;
    const halfWidth = view.width / 2;
    const down = view.height / 2 + k * height(view.shownLat * RADIANS);
    const lon0 = view.lon * RADIANS;
    const step = Math.min(2 * RADIANS, Math.sqrt((8 * TOLERANCE_PX) / k) / 2);
    const xs: number[] = []; // longitude from the centre of the view, unwrapped along the ring
    const ys: number[] = []; // latitude

    return (pen, cell) => {
      xs.length = ys.length = 0;
      const [first, end] = [this.starts[cell]!, this.starts[cell + 1]!];
      for (let i = first; i < end; i++) {
        const j = i + 1 < end ? i + 1 : first;
        push(this.lambda[i]! - lon0, this.phi[i]!);
        const [ax, ay, az] = [v[3 * i]!, v[3 * i + 1]!, v[3 * i + 2]!];
        const [dx, dy, dz] = [v[3 * j]! - ax, v[3 * j + 1]! - ay, v[3 * j + 2]! - az];
        const near = Math.max(0.15, Math.cos(this.phi[i]!));
        const parts = Math.min(512, Math.ceil(Math.hypot(dx, dy, dz) / step / near) || 1);
        for (let part = 1; part < parts; part++) {
          const t = part / parts;
          const [x, y, z] = [ax + t * dx, ay + t * dy, az + t * dz];
          push(Math.atan2(y, x) - lon0, Math.atan2(z, Math.hypot(x, y)));
        }
      }
      closeOverPole(this.lambda[first]! - lon0);
      return draw(pen);
    };

    function push(lambda: number, phi: number): void {
      const previous = xs.length ? xs[xs.length - 1]! : 0;
      xs.push(lambda + TURN * Math.round((previous - lambda) / TURN));
      ys.push(phi);
    }

    /** A ring that comes back a whole turn further has gone round a pole: go on along that pole's edge. */
    function closeOverPole(lambda: number): void {
      const last = xs[xs.length - 1]!;
      const back = lambda + TURN * Math.round((last - lambda) / TURN);
      if (Math.abs(back - xs[0]!) < 1) return;
      const pole = (ys.reduce((sum, phi) => sum + phi, 0) > 0 ? 1 : -1) * (Math.PI / 2);
      const start = xs[0]!;
      xs.push(back, back, start);
      ys.push(ys[0]!, pole, pole);
    }

    /** Once, or twice where the ring hangs over the edge of the map; the caller clips to the map's outline. */
    function draw(pen: Pen): boolean {
      let [left, right] = [Infinity, -Infinity];
      for (const x of xs) {
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
      let drawn = false;
      for (let turn = Math.ceil((-Math.PI - right) / TURN); TURN * turn + left <= Math.PI; turn++) {
        drawn = trace(pen, TURN * turn) || drawn;
      }
      return drawn;
    }

    function trace(pen: Pen, shift: number): boolean {
      let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
      const points: number[] = [];
      for (let i = 0; i < xs.length; i++) {
        const x = halfWidth + k * (xs[i]! + shift) * stretch(ys[i]!);
        const y = down - k * height(ys[i]!);
        points.push(x, y);
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
      if (right < 0 || left > view.width || bottom < 0 || top > view.height) return false;
      if (right - left < 1 && bottom - top < 1) {
        pen.rect(left, top, 1, 1);
        return true;
      }
      pen.moveTo(points[0]!, points[1]!);
      for (let i = 2; i < points.length; i += 2) pen.lineTo(points[i]!, points[i + 1]!);
      pen.closePath();
      return true;
    }
  }
}

/**
 * The part of a ring on the near side; where it leaves and comes back it follows the limb.
 * Points are (east, north, towards) triples of unit length.
 */
function clippedAtLimb(ring: number[]): number[] {
  const result: number[] = [];
  let exit: number | null = null; // angle on the limb where the ring last left
  let firstEntry: number | null = null;
  for (let i = 0; i < ring.length; i += 3) {
    const j = (i + 3) % ring.length;
    const [a, b] = [ring[i + 2]!, ring[j + 2]!];
    if (a >= 0) result.push(ring[i]!, ring[i + 1]!, a);
    if (a >= 0 === b >= 0) continue;
    const t = a / (a - b);
    const angle = Math.atan2(ring[i + 1]! + t * (ring[j + 1]! - ring[i + 1]!), ring[i]! + t * (ring[j]! - ring[i]!));
    if (a >= 0) {
      result.push(Math.cos(angle), Math.sin(angle), 0);
      exit = angle;
    } else {
      if (exit === null) firstEntry = angle;
      else alongLimb(result, exit, angle);
      result.push(Math.cos(angle), Math.sin(angle), 0);
    }
  }
  if (firstEntry !== null && exit !== null) alongLimb(result, exit, firstEntry);
  return result;
}

function alongLimb(result: number[], from: number, to: number): void {
  const turn = to - from - TURN * Math.round((to - from) / TURN);
  const parts = Math.ceil(Math.abs(turn) / (1 * RADIANS));
  for (let part = 1; part < parts; part++) {
    const angle = from + (turn * part) / parts;
    result.push(Math.cos(angle), Math.sin(angle), 0);
  }
}

/**
 * Corners in radians. A corner on a pole has no longitude of its own: it becomes two corners with the
 * longitudes of its neighbours, so that flat maps run along the pole's edge between them.
 */
function withPolesSplit(cells: Cells): { starts: Uint32Array; lambda: Float64Array; phi: Float64Array } {
  const starts = new Uint32Array(cells.count + 1);
  const lambda: number[] = [];
  const phi: number[] = [];
  for (let cell = 0; cell < cells.count; cell++) {
    const [first, end] = [cells.starts[cell]!, cells.starts[cell + 1]!];
    for (let i = first; i < end; i++) {
      const latitude = cells.corners[2 * i + 1]! * RADIANS;
      if (Math.abs(latitude) < POLE) {
        lambda.push(cells.corners[2 * i]! * RADIANS);
        phi.push(latitude);
        continue;
      }
      for (const neighbour of [i > first ? i - 1 : end - 1, i + 1 < end ? i + 1 : first]) {
        lambda.push(cells.corners[2 * neighbour]! * RADIANS);
        phi.push(latitude);
      }
    }
    starts[cell + 1] = lambda.length;
  }
  return { starts, lambda: Float64Array.from(lambda), phi: Float64Array.from(phi) };
}
