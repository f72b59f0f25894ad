/** A place as GeoJSON and d3 have it: [longitude, latitude], both in degrees. */
export type LonLat = [number, number];
