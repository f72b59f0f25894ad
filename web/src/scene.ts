// The scene that Python wrote into the page. Places arrive as [latitude, longitude] and are turned
// into d3's [longitude, latitude] here, once; everything else in this folder speaks [lon, lat].

import type { LonLat } from "./lonlat";
import { FOOT } from "./strings";

export interface Candidate {
  name: string;
  place: LonLat;
  probability: number;
  token: string | null;
}

export interface Photo {
  name: string;
  estimate: LonLat | null;
  confidence: number | null;
  confidenceInWords: string | null;
  truth: LonLat | null;
  errorKm: number | null;
  cells: number[];
  probabilities: number[];
  /** the cells of the promised region; offline maps have none */
  region: number[];
  candidates: Candidate[];
  thumbnail: string | null;
  error: string | null;
}

export interface Cells {
  count: number;
  /** first ring of cell i is rings[i]; rings[count] is the number of rings */
  rings: Uint32Array;
  /** first corner of ring i is starts[i]; starts[rings[count]] is the number of corners */
  starts: Uint32Array;
  /** degrees, longitude then latitude */
  corners: Float64Array;
  /** 1 for a ring that is a hole, which runs the other way round; null: there are none */
  holes: Uint8Array | null;
  labels: string[];
  photos: number[] | null;
  tokens: string[] | null;
  levels: number[] | null;
}

export interface Scene {
  title: string;
  earthRadiusKm: number;
  cells: Cells | null;
  photos: Photo[];
}

interface CellsJson extends Pick<Cells, "count" | "labels" | "photos" | "tokens" | "levels"> {
  /** rings of each cell */
  rings: number | number[];
  /** corners of each ring */
  sizes: number | number[];
  steps: number[];
}

interface SceneJson {
  version: number;
  title: string;
  earthRadiusKm: number;
  cells: CellsJson | null;
  photos: Omit<Photo, "region">[];
}

const VERSION = 1;
const DEGREE_PARTS = 100_000;

export function readScene(text: string): Scene {
  const json = JSON.parse(text) as SceneJson;
  if (json.version !== VERSION) {
    throw new Error(FOOT.version(VERSION, json.version));
  }
  return {
    title: json.title,
    earthRadiusKm: json.earthRadiusKm,
    cells: json.cells && readCells(json.cells),
    photos: json.photos.map((photo) => ({
      ...photo,
      region: [],
      estimate: photo.estimate && swapped(photo.estimate),
      truth: photo.truth && swapped(photo.truth),
      candidates: photo.candidates.map((each) => ({ ...each, place: swapped(each.place) })),
    })),
  };
}

function swapped([latitude, longitude]: [number, number]): LonLat {
  return [longitude, latitude];
}

function readCells(json: CellsJson): Cells {
  const rings = summed(json.rings, json.count);
  const ringCount = rings[json.count]!;
  const starts = summed(json.sizes, ringCount);
  const corners = new Float64Array(json.steps.length);
  for (let ring = 0; ring < ringCount; ring++) {
    let latitude = 0;
    let longitude = 0;
    for (let corner = starts[ring]!; corner < starts[ring + 1]!; corner++) {
      latitude += json.steps[2 * corner]!;
      longitude += json.steps[2 * corner + 1]!;
      corners[2 * corner] = longitude / DEGREE_PARTS;
      corners[2 * corner + 1] = latitude / DEGREE_PARTS;
    }
  }
  return { ...json, rings, starts, corners, holes: null };
}

/** Where each part begins, and where the last one ends, when they have these sizes. */
function summed(sizes: number | number[], count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = starts[i]! + (typeof sizes === "number" ? sizes : sizes[i]!);
  return starts;
}
