// The colours of the canvas come from the style sheet, so that light and dark are said in one place.

export interface Theme {
  sea: string;
  seaEdge: string;
  land: string;
  border: string;
  graticule: string;
  limb: string;
  label: string;
  halo: string;
  heatEdge: string;
  densityEdge: string;
  highlight: string;
  region: string;
  dot: string;
  heat: (strength: number) => string;
  /** one colour, as opaque as it is strong */
  opacity: (strength: number) => string;
  density: (strength: number) => string;
}

type Stop = [number, number, number, number];

export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    sea: colour("sea"),
    seaEdge: colour("sea-edge"),
    land: colour("land"),
    border: colour("border"),
    graticule: colour("graticule"),
    limb: colour("limb"),
    label: colour("map-label"),
    halo: colour("halo"),
    heatEdge: colour("heat-edge"),
    densityEdge: colour("density-edge"),
    highlight: colour("highlight"),
    region: colour("region"),
    dot: colour("dot"),
    heat: ramp(["heat-0", "heat-1", "heat-2", "heat-3"].map((name) => stop(colour(name)))),
    opacity: opaque(stop(colour("heat-2"))),
    density: ramp(["density-0", "density-1", "density-2", "density-3"].map((name) => stop(colour(name)))),
  };
}

/** "r g b / a" with a in [0, 1], as the style sheet writes them. */
function stop(text: string): Stop {
  const [r = 0, g = 0, b = 0, a = 1] = text.split(/[\s/]+/).map(Number);
  return [r, g, b, a];
}

const opaque = ([r, g, b]: Stop): ((strength: number) => string) => ramp([[r, g, b, 0], [r, g, b, 1]]);

function ramp(stops: Stop[]): (strength: number) => string {
  return (strength) => {
    const at = Math.min(1, Math.max(0, strength)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const [a, b] = [stops[low]!, stops[low + 1]!];
    const [r, g, blue, alpha] = a.map((value, i) => value + (at - low) * (b[i]! - value));
    return `rgba(${r!.toFixed(0)},${g!.toFixed(0)},${blue!.toFixed(0)},${alpha!.toFixed(3)})`;
  };
}
