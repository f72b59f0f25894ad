// The offline viewer: reads the scene, builds map and panel, and keeps them in step.
import "./style.css";
import { spoken } from "./details";
import { h } from "./dom";
import { EarthMap } from "./earth";
import { headline, type Headline } from "./headline";
import { Panel } from "./panel";
import { readScene, type Scene } from "./scene";
import { FOOT } from "./strings";

class App {
  private readonly earth: EarthMap;
  private readonly announcer = h("p", { class: "unseen", "aria-live": "polite" });
  private readonly headlines: Headline[];
  private readonly panel: Panel;

  constructor(
    private readonly scene: Scene,
    root: HTMLElement,
  ) {
    this.earth = new EarthMap(scene.earthRadiusKm, { select: (index) => this.select(index) });
    this.earth.setCells(scene.cells);
    this.headlines = scene.photos.map((photo) => headline(photo, scene, this.earth.shapes));
    this.panel = new Panel(scene, this.headlines, {
      select: (index) => this.select(index),
      fly: (candidate) => this.earth.flyToCell(candidate.place),
      fit: () => this.earth.fit(),
    });
    root.classList.toggle("bare", scene.photos.length === 0);
    root.append(this.earth.element, this.panel.element, this.announcer);
    document.addEventListener("keydown", (event) => this.key(event));
    this.earth.setPhotos(scene.photos, this.headlines, -1);
    this.earth.resize();
    if (scene.photos.length) this.select(0, false);
    else this.earth.showPartition();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { filter } = this.panel.list;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) {
      if (event.key === "Escape" && event.target === filter) this.earth.stage.focus();
      if (event.key === "Enter" && event.target === filter) this.panel.list.step(0);
      return;
    }
    const keys: Record<string, () => void> = {
      g: () => this.earth.toggleMode(),
      j: () => this.panel.list.step(1),
      n: () => this.panel.list.step(1),
      k: () => this.panel.list.step(-1),
      p: () => this.panel.list.step(-1),
      f: () => this.earth.fit(),
      "/": () => filter.focus(),
      Escape: () => this.earth.unhover(),
    };
    const action = keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  }

  private select(index: number, aloud = true): void {
    const { photos } = this.scene;
    this.panel.select(index);
    this.earth.setPhotos(photos, this.headlines, index);
    const photo = photos[index];
    if (!photo) return;
    if (aloud) this.announcer.textContent = spoken(photo, this.headlines[index]!);
    this.earth.fit(aloud);
  }
}

const root = document.getElementById("graticule")!;
try {
  new App(readScene(document.getElementById("scene")!.textContent ?? ""), root);
} catch (error) {
  root.append(h("p", { class: "broken", role: "alert" }, FOOT.broken((error as Error).message)));
  throw error;
}
