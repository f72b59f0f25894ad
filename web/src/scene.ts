// The scene that Python wrote into the page. Places arrive as [latitude, longitude] and are turned
// into d3's [longitude, latitude] here, once; everything else in this folder speaks [lon, lat].

export type LonLat = [number, number];

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
  truth: LonLat | null;
  errorKm: number | null;
  cells: number[];
  probabilities: number[];
  candidates: Candidate[];
  thumbnail: string | null;
  error: string | null;
}

export interface Cells {
  count: number;
  /** first corner of cell i is starts[i]; starts[count] is the number of corners */
  starts: Uint32Array;
  /** degrees, longitude then latitude */
  corners: Float64Array;
  labels: string[];
  photos: number[] | null;
  tokens: string[] | null;
  levels: number[] | null;
  /** which cell of the partition each ring belongs to, where cells have several */
  owners: number[] | null;
}

export interface Scene {
  title: string;
  earthRadiusKm: number;
  cells: Cells | null;
  photos: Photo[];
}

interface CellsJson extends Pick<Cells, "count" | "labels" | "photos" | "tokens" | "levels" | "owners"> {
  sizes: number | number[];
  steps: number[];
}

interface SceneJson {
  version: number;
  title: string;
  earthRadiusKm: number;
  cells: CellsJson | null;
  photos: Photo[];
}

const VERSION = 1;
const DEGREE_PARTS = 100_000;

export function readScene(text: string): Scene {
  const json = JSON.parse(text) as SceneJson;
  if (json.version !== VERSION) {
    throw new Error(`This page's viewer reads scenes of version ${VERSION}, but the scene has version ${json.version}.`);
  }
  return {
    title: json.title,
    earthRadiusKm: json.earthRadiusKm,
    cells: json.cells && readCells(json.cells),
    photos: json.photos.map((photo) => ({
      ...photo,
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
  const starts = new Uint32Array(json.count + 1);
  for (let cell = 0; cell < json.count; cell++) {
    starts[cell + 1] = starts[cell]! + (typeof json.sizes === "number" ? json.sizes : json.sizes[cell]!);
  }
  const corners = new Float64Array(json.steps.length);
  for (let cell = 0; cell < json.count; cell++) {
    let latitude = 0;
    let longitude = 0;
    for (let corner = starts[cell]!; corner < starts[cell + 1]!; corner++) {
      latitude += json.steps[2 * corner]!;
      longitude += json.steps[2 * corner + 1]!;
      corners[2 * corner] = longitude / DEGREE_PARTS;
      corners[2 * corner + 1] = latitude / DEGREE_PARTS;
    }
  }
  return { ...json, starts, corners };
}
