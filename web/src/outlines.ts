// Country outlines: coarse ones at once, fine ones unpacked when somebody looks closely.
import { geoArea, geoBounds, geoCentroid, geoDistance } from "d3-geo";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import coarseTopology from "world-atlas/countries-110m.json";
import packedFine from "virtual:outlines-50m";
import type { LonLat } from "./lonlat";
import { RADIANS } from "./view";

type Countries = Topology<{
  countries: GeometryCollection<{ name: string }>;
  land: GeometryCollection;
}>;

/** A piece of geometry with the circle that holds it, so that what is off the screen costs nothing. */
interface Piece<G> {
  geometry: G;
  middle: LonLat;
  /** radians */
  radius: number;
}

export interface CountryName {
  name: string;
  place: LonLat;
  /** width of the country at its middle, in radians, roughly */
  size: number;
}

export interface Outlines {
  /** all land: fewer points than the countries, but one piece is all of Africa, Asia and Europe */
  land: Piece<GeoJSON.Polygon>[];
  /** the same land, country by country */
  countries: Piece<GeoJSON.Polygon>[];
  borders: Piece<GeoJSON.LineString>[];
  names: CountryName[];
}

export const coarse: Outlines = outlines(coarseTopology as unknown as Countries);

let fine: Promise<Outlines | null> | null = null;

/** The fine outlines; null in a browser that cannot unpack them (the coarse ones then stay). */
export function fineOutlines(): Promise<Outlines | null> {
  fine ??= unpacked(packedFine).then(outlines, () => null);
  return fine;
}

async function unpacked(base64: string): Promise<Countries> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).json()) as Countries;
}

/** The pieces that can be on the screen: those whose circle touches the circle around the centre. */
export function near<G>(pieces: Piece<G>[], centre: LonLat, radius: number): G[] {
  if (radius >= Math.PI) return pieces.map((piece) => piece.geometry);
  return pieces
    .filter((piece) => geoDistance(piece.middle, centre) <= piece.radius + radius)
    .map((piece) => piece.geometry);
}

function outlines(topology: Countries): Outlines {
  const countries = topology.objects.countries;
  const parts: GeoJSON.Polygon[] = [];
  const names: CountryName[] = [];
  for (const country of feature(topology, countries).features) {
    const polygons = polygonsOf(country);
    parts.push(...polygons);
    const name = country.properties?.name;
    if (name && polygons.length) names.push(named(name, polygons));
  }
  const borders = mesh(topology, countries).coordinates.map(
    (coordinates): GeoJSON.LineString => ({ type: "LineString", coordinates }),
  );
  names.sort((a, b) => b.size - a.size);
  return {
    land: feature(topology, topology.objects.land).features.flatMap(polygonsOf).map(polygonPiece),
    countries: parts.map(polygonPiece),
    borders: borders.map((geometry) => piece(geometry, geometry.coordinates as LonLat[])),
    names,
  };
}

function polygonsOf({ geometry }: GeoJSON.Feature): GeoJSON.Polygon[] {
  if (geometry.type === "Polygon") return [geometry];
  if (geometry.type !== "MultiPolygon") return [];
  return geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates }));
}

function polygonPiece(geometry: GeoJSON.Polygon): Piece<GeoJSON.Polygon> {
  return piece(geometry, geometry.coordinates[0] as LonLat[]);
}

function piece<G>(geometry: G, points: LonLat[]): Piece<G> {
  let [x, y, z] = [0, 0, 0];
  for (const [lon, lat] of points) {
    x += Math.cos(lat * RADIANS) * Math.cos(lon * RADIANS);
    y += Math.cos(lat * RADIANS) * Math.sin(lon * RADIANS);
    z += Math.sin(lat * RADIANS);
  }
  const middle: LonLat = [Math.atan2(y, x) / RADIANS, Math.atan2(z, Math.hypot(x, y)) / RADIANS];
  let radius = 0;
  for (const point of points) radius = Math.max(radius, geoDistance(middle, point));
  return { geometry, middle, radius: radius + 0.01 };
}

/** A name goes in the middle of the country's largest part. */
function named(name: string, polygons: GeoJSON.Polygon[]): CountryName {
  let largest = polygons[0]!;
  let area = 0;
  for (const polygon of polygons) {
    const each = geoArea(polygon);
    if (each > area && each < 2 * Math.PI) [largest, area] = [polygon, each];
  }
  const place = geoCentroid(largest) as LonLat;
  const [[west, south], [east, north]] = geoBounds(largest);
  const width = (((east - west + 360) % 360) || 360) * RADIANS * Math.cos(place[1] * RADIANS);
  return { name, place, size: Math.min(width, 2.5 * Math.sqrt(area), 1.5 * width * (north > south ? 1 : 0)) };
}
