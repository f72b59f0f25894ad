// The map as a PNG: the canvas, and above it the markers as the style sheet shows them just now.
import type { EarthMap } from "../earth";
import { FOOT } from "../strings";

const SHAPES = "path, circle, ellipse, text";
const MARGIN = 12;
const LINE_PX = 18;

export function pictureOf(earth: EarthMap, caption: string): Blob {
  const { canvas, view } = earth;
  const picture = document.createElement("canvas");
  picture.width = canvas.width;
  picture.height = canvas.height;
  const pen = picture.getContext("2d")!;
  pen.drawImage(canvas, 0, 0);
  const ratio = canvas.width / view.width;
  for (const shape of earth.markers.element.querySelectorAll<SVGGraphicsElement>(SHAPES)) {
    if (shape.closest(".away")) continue;
    const place = shape.getCTM();
    if (!place) continue;
    pen.setTransform(ratio * place.a, ratio * place.b, ratio * place.c, ratio * place.d, ratio * place.e, ratio * place.f);
    draw(pen, shape);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  write(pen, caption, earth, "left");
  write(pen, FOOT.made, earth, "right");
  const [, base64 = ""] = picture.toDataURL("image/png").split(","); // toBlob waits for an idle moment, up to 7 s
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/png" });
}

function draw(pen: CanvasRenderingContext2D, shape: SVGGraphicsElement): void {
  const style = getComputedStyle(shape);
  pen.lineWidth = parseFloat(style.strokeWidth) || 0;
  pen.lineJoin = "round";
  pen.lineCap = style.strokeLinecap as CanvasLineCap;
  pen.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[\s,]+/).map(parseFloat));
  pen.strokeStyle = style.stroke;
  pen.fillStyle = style.fill;
  const stroke = (drawn: () => void) => {
    pen.globalAlpha = Number(style.strokeOpacity);
    if (style.stroke !== "none") drawn();
  };
  const fill = (drawn: () => void) => {
    pen.globalAlpha = Number(style.fillOpacity);
    if (style.fill !== "none") drawn();
  };
  if (shape instanceof SVGTextElement) {
    const text = shape.textContent ?? "";
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = shape.hasAttribute("dy") ? "middle" : "alphabetic";
    stroke(() => pen.strokeText(text, 0, 0));
    fill(() => pen.fillText(text, 0, 0));
  } else {
    const path = outline(shape);
    fill(() => pen.fill(path));
    stroke(() => pen.stroke(path));
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}

function outline(shape: SVGGraphicsElement): Path2D {
  if (shape instanceof SVGPathElement) return new Path2D(shape.getAttribute("d") ?? "");
  const of = (name: string) => Number(shape.getAttribute(name) ?? 0);
  const path = new Path2D();
  path.ellipse(of("cx"), of("cy"), of("rx") || of("r"), of("ry") || of("r"), 0, 0, 2 * Math.PI);
  return path;
}

function write(pen: CanvasRenderingContext2D, text: string, earth: EarthMap, align: "left" | "right"): void {
  const style = getComputedStyle(earth.stage);
  const left = align === "left";
  pen.font = `${left ? "600 14px" : "11px"} ${style.fontFamily}`;
  pen.textAlign = align;
  pen.textBaseline = "alphabetic";
  pen.lineWidth = 3;
  pen.lineJoin = "round";
  pen.strokeStyle = style.backgroundColor;
  pen.fillStyle = style.color;
  const [x, y] = left ? [MARGIN, MARGIN + 12] : [earth.view.width - MARGIN, earth.view.height - MARGIN];
  const lines = left ? wrapped(pen, text, earth.view.width - 2 * MARGIN) : [text];
  lines.forEach((line, row) => {
    pen.strokeText(line, x, y + row * LINE_PX);
    pen.fillText(line, x, y + row * LINE_PX);
  });
}

/** The text in as many lines as the width asks for. */
function wrapped(pen: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
