// Numbers as a person reads them.
import type { LonLat } from "./lonlat";

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

export const count = (value: number): string => grouped.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** 0.9312 -> "93 %"; 0.0312 -> "3.1 %"; 0.00001 -> "<\u00a00.01\u00a0%" */
export function percent(share: number): string {
  const value = 100 * share;
  if (value >= 99.95) return "100\u00a0%";
  if (value >= 9.95) return `${value.toFixed(value > 99 ? 1 : 0)}\u00a0%`;
  if (value >= 0.995) return `${value.toFixed(1)}\u00a0%`;
  if (value >= 0.01) return `${value.toFixed(2)}\u00a0%`;
  return value > 0 ? "<\u00a00.01\u00a0%" : "0\u00a0%";
}

/** 12.34 -> "12.3 km"; 0.4321 -> "432 m"; 1234.5 -> "1,235 km" */
export function distance(km: number): string {
  if (km < 0.9995) return `${Math.round(1000 * km)}\u00a0m`;
  return km < 99.95 ? `${km.toFixed(1)}\u00a0km` : `${count(km)}\u00a0km`;
}

/** 312.4 -> "312 km²"; 45600 -> "45,600 km²"; 101414626 -> "101 million km²" */
export function area(km2: number): string {
  const rounded = Number(km2.toPrecision(3));
  return rounded < 1e6 ? `${count(rounded)}\u00a0km²` : `${Number((rounded / 1e6).toPrecision(3))} million\u00a0km²`;
}

/** [116.27, 39.99] -> "39.990° N, 116.270° E" */
export function coordinates([longitude, latitude]: LonLat, digits = 3): string {
  const one = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
  return `${one(latitude, "N", "S")}, ${one(longitude, "E", "W")}`;
}

/** "likely" -> "Likely": what a confidence is called comes from Python and begins a sentence here. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
