// The areas of /v1/cells.geojson as the map's cells.
import type { Cells } from "../scene";

interface AreaProperties {
  token: string;
  name: string;
  country: string | null;
  photos: number;
  level: number | null;
}

export function cellsOf(collection: GeoJSON.FeatureCollection): Cells {
  const rings = [0];
  const starts = [0];
  const corners: number[] = [];
  const holes: number[] = [];
  const properties = collection.features.map((feature) => feature.properties as AreaProperties);
  for (const { geometry } of collection.features) {
    for (const polygon of polygonsOf(geometry)) {
      polygon.forEach((ring, index) => {
        if (ring.length < 4) return;
        // outer rings run counterclockwise, holes the other way: so one fill leaves the holes out
        const wrong = signedArea(ring) > 0 === index > 0;
        for (const corner of (wrong ? [...ring].reverse() : ring).slice(1)) corners.push(corner[0]!, corner[1]!);
        starts.push(corners.length / 2);
        holes.push(index > 0 ? 1 : 0);
      });
    }
    if (rings.at(-1) === starts.length - 1) {
      corners.push(0, 0, 0, 0, 0, 0); // an area without a shape keeps its number, and a ring that nobody sees
      starts.push(corners.length / 2);
      holes.push(0);
    }
    rings.push(starts.length - 1);
  }
  const levels = properties.map(({ level }) => level);
  return {
    count: properties.length,
    rings: Uint32Array.from(rings),
    starts: Uint32Array.from(starts),
    corners: Float64Array.from(corners),
    holes: holes.includes(1) ? Uint8Array.from(holes) : null,
    labels: properties.map(({ name }) => name),
    photos: properties.map(({ photos }) => photos),
    tokens: properties.map(({ token }) => token),
    levels: levels.every((level) => level !== null) ? (levels as number[]) : null,
  };
}

/** The country of each area, as ISO 3166-1 alpha-2, or null. */
export const countriesOf = (collection: GeoJSON.FeatureCollection): (string | null)[] =>
  collection.features.map((feature) => (feature.properties as AreaProperties).country);

function polygonsOf(geometry: GeoJSON.Geometry): GeoJSON.Position[][][] {
  if (geometry.type === "Polygon") return [geometry.coordinates];
  return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
}

/** Positive when the ring runs counterclockwise on the plane. */
function signedArea(ring: GeoJSON.Position[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += ring[i]![0]! * ring[i + 1]![1]! - ring[i + 1]![0]! * ring[i]![1]!;
  return sum / 2;
}
