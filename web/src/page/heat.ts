// A map of signed values as a layer over a photo: red where it speaks for the target, blue where against it, clear
// where it says nothing. The same colours as `graticule explain` draws.

const FOR = [214, 64, 28] as const;
const AGAINST = [24, 98, 190] as const;
const SIDE_PX = 168;

export function drawHeat(canvas: HTMLCanvasElement, values: number[][]): void {
  canvas.width = canvas.height = SIDE_PX;
  const pen = canvas.getContext("2d")!;
  const picture = pen.createImageData(SIDE_PX, SIDE_PX);
  let most = 0;
  for (const row of values) for (const value of row) most = Math.max(most, Math.abs(value));
  if (most > 0) {
    for (let y = 0; y < SIDE_PX; y++) {
      for (let x = 0; x < SIDE_PX; x++) {
        const value = between(values, (x + 0.5) / SIDE_PX, (y + 0.5) / SIDE_PX);
        const at = 4 * (y * SIDE_PX + x);
        picture.data.set(value < 0 ? AGAINST : FOR, at);
        picture.data[at + 3] = (255 * Math.abs(value)) / most;
      }
    }
  }
  pen.putImageData(picture, 0, 0);
}

/** The value at a place in shares of width and height: linear between the middles of the map's squares. */
function between(values: number[][], x: number, y: number): number {
  const [top, bottom, down] = neighbours(y, values.length);
  const [left, right, across] = neighbours(x, values[0]!.length);
  const along = (row: number[]) => row[left]! * (1 - across) + row[right]! * across;
  return along(values[top]!) * (1 - down) + along(values[bottom]!) * down;
}

function neighbours(share: number, count: number): [number, number, number] {
  const at = Math.min(count - 1, Math.max(0, share * count - 0.5));
  const first = Math.floor(at);
  return [first, Math.min(count - 1, first + 1), at - first];
}
