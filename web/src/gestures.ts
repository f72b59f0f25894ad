// Hands on the map: drag, wheel, pinch, double click, keys.
import type { Motion } from "./motion";
import type { View } from "./view";

const CLICK_PX = 5;
const KEY_STEP_PX = 60;

export interface Listener {
  hover: (x: number, y: number, touch: boolean) => void;
  leave: () => void;
  click: (x: number, y: number, touch: boolean) => void;
}

export function listen(element: HTMLElement, view: View, motion: Motion, listener: Listener): void {
  const pointers = new Map<number, { x: number; y: number }>();
  let travelled = 0;

  const at = (event: MouseEvent) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    motion.stop();
    view.setCentre(view.lon, view.shownLat);
    pointers.set(event.pointerId, at(event));
    element.setPointerCapture(event.pointerId);
    element.classList.add("held");
    if (pointers.size === 1) travelled = 0;
  });

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = at(event);
    if (!before) {
      if (event.pointerType !== "touch") listener.hover(now.x, now.y, false);
      return;
    }
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    const share = 1 / pointers.size;
    const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    if (travelled > CLICK_PX || other) {
      listener.leave();
      view.pan(share * (now.x - before.x), share * (now.y - before.y));
      if (other) {
        const apart = Math.hypot(now.x - other.x, now.y - other.y);
        const was = Math.hypot(before.x - other.x, before.y - other.y);
        if (was > 0) view.zoomAt(apart / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
      }
      motion.stir();
    }
    pointers.set(event.pointerId, now);
  });

  const release = (event: PointerEvent) => {
    const wasHeld = pointers.delete(event.pointerId);
    if (pointers.size === 0) element.classList.remove("held");
    if (wasHeld && event.type === "pointerup" && travelled <= CLICK_PX) {
      const { x, y } = at(event);
      listener.click(x, y, event.pointerType === "touch");
    }
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") listener.leave(); // a finger that is lifted leaves its tooltip behind
  });

  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      motion.stop();
      view.setCentre(view.lon, view.shownLat);
      const { x, y } = at(event);
      const lines = event.deltaMode === 1 ? 20 : 1;
      view.zoomAt(2 ** (-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0022)), x, y);
      listener.leave();
      motion.stir();
    },
    { passive: false },
  );

  element.addEventListener("dblclick", (event) => {
    const { x, y } = at(event);
    const place = view.place(x, y);
    if (place) motion.flyTo(place, view.zoom * (event.shiftKey ? 0.4 : 2.5));
  });

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? KEY_STEP_PX / 6 : KEY_STEP_PX;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => view.pan(step, 0),
      ArrowRight: () => view.pan(-step, 0),
      ArrowUp: () => view.pan(0, step),
      ArrowDown: () => view.pan(0, -step),
      "+": () => motion.zoomBy(1.6),
      "=": () => motion.zoomBy(1.6),
      "-": () => motion.zoomBy(1 / 1.6),
      _: () => motion.zoomBy(1 / 1.6),
      "0": () => motion.flyTo([view.lon, view.lat], 1),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    motion.stop();
    view.setCentre(view.lon, view.shownLat);
    move();
    listener.leave();
    motion.stir();
  });
}
