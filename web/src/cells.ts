// The cells as spherical polygons, held in flat arrays so that ten thousand of them can be dragged.
// Edges are great circles: each is divided, as finely as the present scale needs, on the sphere.
import { geoContains } from "d3-geo";
import type { LonLat } from "./lonlat";
import type { Cells } from "./scene";
import { height, RADIANS, stretch, type View } from "./view";

const TURN = 2 * Math.PI;
const TOLERANCE_PX = 0.3;
const POLE = Math.PI / 2 - 1e-7;

type Pen = Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "closePath" | "rect">;
type Trace = (pen: Pen, cell: number) => boolean;

/** A cell has one ring or several, holes after what they are in; inside this class an index is a ring's unless it says cell. */
export class CellShapes {
  private readonly count: number;
  /** the cell of each ring, and the largest ring of each cell */
  private readonly owner: Uint32Array;
  private readonly main: Uint32Array;
  /** angular radius of each ring around its middle */
  private readonly radii: Float64Array;
  private readonly middles: Float64Array;
  // of each corner: radians, unit vector, and what the flat map makes of the latitude
  private readonly starts: Uint32Array;
  private readonly lambda: Float64Array;
  private readonly phi: Float64Array;
  private readonly vectors: Float64Array;
  private readonly stretches: Float64Array;
  private readonly heights: Float64Array;
  /** 1 or -1 for a ring with the north or south pole inside, otherwise 0 */
  private readonly round: Int8Array;

  constructor(private readonly cells: Cells) {
    this.count = cells.rings[cells.count]!;
    const { starts, lambda, phi } = withPolesSplit(cells);
    this.starts = starts;
    this.lambda = lambda;
    this.phi = phi;
    this.stretches = phi.map(stretch);
    this.heights = phi.map(height);
    this.vectors = new Float64Array(3 * lambda.length);
    for (let i = 0; i < lambda.length; i++) {
      this.vectors[3 * i] = Math.cos(phi[i]!) * Math.cos(lambda[i]!);
      this.vectors[3 * i + 1] = Math.cos(phi[i]!) * Math.sin(lambda[i]!);
      this.vectors[3 * i + 2] = Math.sin(phi[i]!);
    }
    this.middles = new Float64Array(3 * this.count);
    this.radii = new Float64Array(this.count);
    this.round = new Int8Array(this.count);
    for (let ring = 0; ring < this.count; ring++) {
      this.measure(ring);
      this.unwrap(ring);
    }
    this.owner = new Uint32Array(this.count);
    this.main = new Uint32Array(cells.count);
    for (let cell = 0; cell < cells.count; cell++) {
      let best = cells.rings[cell]!;
      for (let ring = best; ring < cells.rings[cell + 1]!; ring++) {
        this.owner[ring] = cell;
        if (this.radii[ring]! > this.radii[best]!) best = ring;
      }
      this.main[cell] = best;
    }
  }

  /** Makes the longitudes of a ring go on without jumps, and finds out whether it goes round a pole. */
  private unwrap(ring: number): void {
    const first = this.starts[ring]!;
    const end = this.starts[ring + 1]!;
    const step = (i: number, from: number) => this.lambda[i]! + TURN * Math.round((from - this.lambda[i]!) / TURN);
    for (let i = first + 1; i < end; i++) this.lambda[i] = step(i, this.lambda[i - 1]!);
    if (Math.abs(step(first, this.lambda[end - 1]!) - this.lambda[first]!) > 1) {
      this.round[ring] = this.middles[3 * ring + 2]! > 0 ? 1 : -1;
    }
  }

  /** The cell that holds a place, or -1. */
  at(place: LonLat): number {
    const lambda = place[0] * RADIANS;
    const phi = place[1] * RADIANS;
    const x = Math.cos(phi) * Math.cos(lambda);
    const y = Math.cos(phi) * Math.sin(lambda);
    const z = Math.sin(phi);
    const m = this.middles;
    let found = -1;
    for (let ring = 0; ring < this.count; ring++) {
      if (found >= 0 && this.owner[ring] !== found) return found;
      const facing = x * m[3 * ring]! + y * m[3 * ring + 1]! + z * m[3 * ring + 2]!;
      const near = facing >= Math.cos(this.radii[ring]!) - 1e-12;
      if (near && geoContains(this.polygon(ring), place)) found = this.cells.holes?.[ring] ? -1 : this.owner[ring]!;
    }
    return found;
  }

  /** The middle of a cell's largest ring. */
  middle(cell: number): LonLat {
    const at = 3 * this.main[cell]!;
    const [x, y, z] = [this.middles[at]!, this.middles[at + 1]!, this.middles[at + 2]!];
    return [Math.atan2(y, x) / RADIANS, Math.asin(Math.min(1, Math.max(-1, z))) / RADIANS];
  }

  /** The angular radius of a cell's largest ring around its middle. */
  radius(cell: number): number {
    return this.radii[this.main[cell]!]!;
  }

  /** How much lies in front of somebody who looks down on a place: the middle of the view counts most. */
  weightAround([lon, lat]: LonLat, weights: number[] | null): number {
    const z = Math.sin(lat * RADIANS);
    const x = Math.cos(lat * RADIANS) * Math.cos(lon * RADIANS);
    const y = Math.cos(lat * RADIANS) * Math.sin(lon * RADIANS);
    const m = this.middles;
    let sum = 0;
    for (let cell = 0; cell < this.main.length; cell++) {
      const at = 3 * this.main[cell]!;
      const facing = x * m[at]! + y * m[at + 1]! + z * m[at + 2]!;
      if (facing > 0) sum += (weights?.[cell] ?? 1) * facing ** 4;
    }
    return sum;
  }

  /** The ring for d3, which wants outer rings clockwise as seen from outside. */
  private polygon(ring: number): GeoJSON.Polygon {
    const corners: LonLat[] = [];
    const { starts, corners: all } = this.cells;
    for (let i = starts[ring]!; i < starts[ring + 1]!; i++) corners.push([all[2 * i]!, all[2 * i + 1]!]);
    if (this.isCounterclockwise(ring)) corners.reverse();
    corners.push(corners[0]!);
    return { type: "Polygon", coordinates: [corners] };
  }

  private isCounterclockwise(ring: number): boolean {
    // the sum of the corners' cross products points outwards where the ring runs counterclockwise
    const v = this.vectors;
    let sum = 0;
    const [mx, my, mz] = [this.middles[3 * ring]!, this.middles[3 * ring + 1]!, this.middles[3 * ring + 2]!];
    const [first, end] = [this.starts[ring]!, this.starts[ring + 1]!];
    for (let i = first; i < end; i++) {
      const a = 3 * i;
      const b = 3 * (i + 1 < end ? i + 1 : first);
      sum += mx * (v[a + 1]! * v[b + 2]! - v[a + 2]! * v[b + 1]!);
      sum += my * (v[a + 2]! * v[b]! - v[a]! * v[b + 2]!);
      sum += mz * (v[a]! * v[b + 1]! - v[a + 1]! * v[b]!);
    }
    return sum > 0;
  }

  private measure(ring: number): void {
    const v = this.vectors;
    let [x, y, z] = [0, 0, 0];
    for (let i = this.starts[ring]!; i < this.starts[ring + 1]!; i++) {
      x += v[3 * i]!;
      y += v[3 * i + 1]!;
      z += v[3 * i + 2]!;
    }
    const length = Math.hypot(x, y, z) || 1;
    this.middles.set([x / length, y / length, z / length], 3 * ring);
    let nearest = 1;
    for (let i = this.starts[ring]!; i < this.starts[ring + 1]!; i++) {
      nearest = Math.min(nearest, (x * v[3 * i]! + y * v[3 * i + 1]! + z * v[3 * i + 2]!) / length);
    }
    this.radii[ring] = Math.acos(Math.max(-1, nearest)) + 1e-6;
  }

  /**
   * A function that adds the outline of a cell to a path, for the view as it is now; false: not on the screen.
   * Cells with a radius below `tiny` pixels become upright rectangles.
   */
  tracer(view: View, tiny: number): Trace {
    const trace = view.mode === "globe" ? this.globeTracer(view, tiny) : this.flatTracer(view, tiny);
    const { rings } = this.cells;
    return (pen, cell) => {
      let drawn = false;
      for (let ring = rings[cell]!; ring < rings[cell + 1]!; ring++) if (trace(pen, ring)) drawn = true;
      return drawn;
    };
  }

  // The two functions below run for every ring in every frame of a drag: they allocate nothing.

  private globeTracer(view: View, tiny: number): Trace {
    const { vectors: v, middles, radii, starts } = this;
    const k = view.scale;
    const halfWidth = view.width / 2;
    const halfHeight = view.height / 2;
    const sinLon = Math.sin(view.lon * RADIANS);
    const cosLon = Math.cos(view.lon * RADIANS);
    // rows of the rotation: east (-sinLon, cosLon, 0), north, towards the viewer
    const nz = Math.cos(view.lat * RADIANS);
    const oz = Math.sin(view.lat * RADIANS);
    const nx = -oz * cosLon;
    const ny = -oz * sinLon;
    const ox = nz * cosLon;
    const oy = nz * sinLon;
    const step = Math.sqrt((8 * TOLERANCE_PX) / k);
    const points3: number[] = []; // east, north, towards of each point

    return (pen, ring) => {
      const mx = middles[3 * ring]!;
      const my = middles[3 * ring + 1]!;
      const mz = middles[3 * ring + 2]!;
      const facing = ox * mx + oy * my + oz * mz;
      const radius = radii[ring]!;
      if (facing < -Math.sin(radius)) return false; // wholly on the far side
      const reach = k * radius;
      const x = k * (cosLon * my - sinLon * mx);
      const y = k * (nx * mx + ny * my + nz * mz);
      if (Math.abs(x) - reach > halfWidth || Math.abs(y) - reach > halfHeight) return false;
      if (reach < tiny) {
        const side = Math.max(1, 1.4 * reach);
        if (facing > 0) pen.rect(halfWidth + x - side / 2, halfHeight - y - side / 2, side, side);
        return facing > 0;
      }
      const inFront = facing > Math.sin(radius);
      const first = starts[ring]!;
      const end = starts[ring + 1]!;
      let n = 0;
      for (let i = first; i < end; i++) {
        const a = 3 * i;
        const b = i + 1 < end ? a + 3 : 3 * first;
        const ax = v[a]!;
        const ay = v[a + 1]!;
        const az = v[a + 2]!;
        const dx = v[b]! - ax;
        const dy = v[b + 1]! - ay;
        const dz = v[b + 2]! - az;
        const parts = partsOf(dx, dy, dz, step);
        for (let part = 0; part < parts; part++) {
          const t = part / parts;
          const px = ax + t * dx;
          const py = ay + t * dy;
          const pz = az + t * dz;
          const lift = part ? 1 / Math.sqrt(px * px + py * py + pz * pz) : 1;
          points3[n++] = lift * (cosLon * py - sinLon * px);
          points3[n++] = lift * (nx * px + ny * py + nz * pz);
          points3[n++] = lift * (ox * px + oy * py + oz * pz);
        }
      }
      points3.length = n;
      const points = inFront ? points3 : clippedAtLimb(points3);
      if (points.length < 9) return false;
      pen.moveTo(halfWidth + k * points[0]!, halfHeight - k * points[1]!);
      for (let i = 3; i < points.length; i += 3) {
        pen.lineTo(halfWidth + k * points[i]!, halfHeight - k * points[i + 1]!);
      }
      pen.closePath();
      return true;
    };
  }

  private flatTracer(view: View, tiny: number): Trace {
    const { vectors: v, lambda, phi, stretches, heights, starts, round } = this;
    const k = view.scale;
    const halfWidth = view.width / 2;
    const width = view.width;
    const tall = view.height;
    const down = tall / 2 + k * height(view.shownLat * RADIANS);
    const lon0 = view.lon * RADIANS;
    const step = Math.min(2 * RADIANS, Math.sqrt((8 * TOLERANCE_PX) / k) / 2);
    // of each point: longitude, going on from the one before without a jump; and what makes it x and y
    const lambdas: number[] = [];
    const factors: number[] = [];
    const ys: number[] = [];

    return (pen, ring) => {
      const first = starts[ring]!;
      const end = starts[ring + 1]!;
      let n = 0;
      let left = Infinity;
      let right = -Infinity;
      for (let i = first; i < end; i++) {
        const here = lambda[i]!;
        lambdas[n] = here;
        factors[n] = k * stretches[i]!;
        ys[n++] = down - k * heights[i]!;
        if (here < left) left = here;
        if (here > right) right = here;
        const a = 3 * i;
        const b = i + 1 < end ? a + 3 : 3 * first;
        const dx = v[b]! - v[a]!;
        const dy = v[b + 1]! - v[a + 1]!;
        const dz = v[b + 2]! - v[a + 2]!;
        const parts = partsOf(dx, dy, dz, step * Math.max(0.15, Math.cos(phi[i]!)));
        for (let part = 1; part < parts; part++) {
          const t = part / parts;
          const px = v[a]! + t * dx;
          const py = v[a + 1]! + t * dy;
          const latitude = Math.atan2(v[a + 2]! + t * dz, Math.hypot(px, py));
          const longitude = Math.atan2(py, px);
          lambdas[n] = longitude + TURN * Math.round((lambdas[n - 1]! - longitude) / TURN);
          factors[n] = k * stretch(latitude);
          ys[n++] = down - k * height(latitude);
        }
      }
      if (round[ring]) {
        // the ring goes round a pole: it ends a whole turn further, and goes back along the pole's edge
        const back = lambdas[0]! + TURN * Math.sign(lambdas[n - 1]! - lambdas[0]!);
        const pole = (round[ring]! * Math.PI) / 2;
        for (const [at, latitude] of [[back, phi[first]!], [back, pole], [lambdas[0]!, pole]] as const) {
          lambdas[n] = at;
          factors[n] = k * stretch(latitude);
          ys[n++] = down - k * height(latitude);
        }
        left = Math.min(left, back);
        right = Math.max(right, back);
      }
      // once, or twice where it hangs over the edge of the map; the caller clips to the map's outline
      let drawn = false;
      for (let turn = Math.ceil((lon0 - Math.PI - right) / TURN); TURN * turn + left <= lon0 + Math.PI; turn++) {
        if (trace(pen, TURN * turn - lon0, n)) drawn = true;
      }
      return drawn;
    };

    function trace(pen: Pen, shift: number, n: number): boolean {
      let left = Infinity;
      let right = -Infinity;
      let top = Infinity;
      let bottom = -Infinity;
      for (let i = 0; i < n; i++) {
        const x = (lambdas[i]! + shift) * factors[i]!;
        if (x < left) left = x;
        if (x > right) right = x;
        if (ys[i]! < top) top = ys[i]!;
        if (ys[i]! > bottom) bottom = ys[i]!;
      }
      if (right < -halfWidth || left > width - halfWidth || bottom < 0 || top > tall) return false;
      if (right - left < 2 * tiny && bottom - top < 2 * tiny) {
        pen.rect(halfWidth + left, top, Math.max(1, 0.8 * (right - left)), Math.max(1, 0.8 * (bottom - top)));
        return true;
      }
      pen.moveTo(halfWidth + (lambdas[0]! + shift) * factors[0]!, ys[0]!);
      for (let i = 1; i < n; i++) pen.lineTo(halfWidth + (lambdas[i]! + shift) * factors[i]!, ys[i]!);
      pen.closePath();
      return true;
    }
  }
}

/** Into how many pieces an edge with this chord is cut, so that no piece is longer than `step`. */
function partsOf(dx: number, dy: number, dz: number, step: number): number {
  const square = dx * dx + dy * dy + dz * dz;
  return square <= step * step ? 1 : Math.min(512, Math.ceil(Math.sqrt(square) / step));
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
  const starts = new Uint32Array(cells.starts.length);
  const lambda: number[] = [];
  const phi: number[] = [];
  for (let ring = 0; ring + 1 < cells.starts.length; ring++) {
    const [first, end] = [cells.starts[ring]!, cells.starts[ring + 1]!];
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
    starts[ring + 1] = lambda.length;
  }
  return { starts, lambda: Float64Array.from(lambda), phi: Float64Array.from(phi) };
}
