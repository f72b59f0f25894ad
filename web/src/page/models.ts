// The server's models, each with its cells once somebody looks at them.
import { CellShapes } from "../cells";
import type { EarthMap } from "../earth";
import type { Cells } from "../scene";
import { Api, type ModelJson } from "./api";
import { cellsOf, countriesOf } from "./areas";

/** A model's map on the page. */
export interface Shown {
  model: Model;
  earth: EarthMap;
  caption: HTMLElement;
}

export class Model {
  cells: Cells | null = null;
  shapes: CellShapes | null = null;
  countries: (string | null)[] = [];
  private loading: Promise<void> | null = null;

  constructor(
    private readonly api: Api,
    readonly info: ModelJson,
    /** what a person sees; `info.name` is what the API is asked for */
    readonly label: string,
  ) {}

  get name(): string {
    return this.info.name;
  }

  load(): Promise<void> {
    this.loading ??= this.api.cells(this.name).then((areas) => {
      this.cells = cellsOf(areas);
      this.countries = countriesOf(areas);
      this.shapes = new CellShapes(this.cells);
    });
    return this.loading;
  }
}

export async function loadModels(api: Api): Promise<Model[]> {
  const first = await api.model();
  const others = await Promise.all(first.names.slice(1).map((name) => api.model(name)));
  const infos = [first, ...others];
  return infos.map((info) => {
    const alike = infos.filter(({ card }) => card.name === info.card.name).length > 1;
    return new Model(api, info, alike ? `${info.identity} (${infos.indexOf(info) + 1})` : info.card.name);
  });
}
