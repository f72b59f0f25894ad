// The reliability diagram: how often answers of a stated confidence came true. On the diagonal they do as often as
// they say. Bars show the interval, circles how many photos; the same numbers stand in a table for those who listen.
import { h, s } from "../dom";
import { MODEL } from "../strings";
import { count, percent } from "../words";
import type { ReliabilityJson } from "./api";

const SIDE = 220;
const LEFT = 40;
const BELOW = 36;
const TOP = 8;
const RIGHT = 22;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

export function reliabilityDiagram(what: string, of: ReliabilityJson): HTMLElement {
  const x = (share: number) => LEFT + share * SIDE;
  const y = (share: number) => TOP + (1 - share) * SIDE;
  const most = Math.max(...of.bins.map(({ n }) => n));
  const marks = of.bins.map((bin) => {
    const [low, high] = bin.interval;
    return s(
      "g",
      {},
      s("line", { class: "whisker", x1: x(bin.confidence), x2: x(bin.confidence), y1: y(low), y2: y(high) }),
      s("circle", { class: "bin", cx: x(bin.confidence), cy: y(bin.accuracy), r: 2.5 + 5 * Math.sqrt(bin.n / most) }),
    );
  });
  const [width, height] = [LEFT + SIDE + RIGHT, TOP + SIDE + BELOW];
  const picture = s(
    "svg",
    { class: "reliability", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": MODEL.reliabilityOf(what, percent(of.ece)) },
    ...TICKS.flatMap((share) => [
      s("line", { class: "grid", x1: x(share), x2: x(share), y1: y(0), y2: y(1) }),
      s("line", { class: "grid", x1: x(0), x2: x(1), y1: y(share), y2: y(share) }),
      s("text", { x: x(share), y: y(0) + 15, "text-anchor": "middle" }, percent(share)),
      s("text", { x: x(0) - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
    ]),
    s("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    ...marks,
    s("text", { class: "axis", x: x(0.5), y: height - 5, "text-anchor": "middle" }, MODEL.stated),
  );
  return h(
    "figure",
    { class: "diagram" },
    h("figcaption", {}, h("strong", {}, what), ` · ${MODEL.ece} ${percent(of.ece)}`),
    picture,
    h("details", {}, h("summary", {}, MODEL.asTable), table(of)),
  );
}

function table(of: ReliabilityJson): HTMLElement {
  const head = [MODEL.stated, MODEL.cameTrue, MODEL.photos];
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
    h(
      "tbody",
      {},
      ...of.bins.map((bin) =>
        h("tr", {}, h("th", { scope: "row" }, percent(bin.confidence)), h("td", {}, percent(bin.accuracy)), h("td", {}, count(bin.n))),
      ),
    ),
  );
}
