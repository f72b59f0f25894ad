// The API of the server that the page came from; its errors are sentences.
import { PAGE } from "../strings";

const TRIES = 6;
const MOST_WAIT_S = 30;
const TOKEN = "graticule-token";

export interface CandidateJson {
  cell: number;
  token: string;
  name: string;
  latitude: number;
  longitude: number;
  probability: number;
}

export interface PredictionJson {
  photo_id: string;
  latitude: number | null;
  longitude: number | null;
  confidence: number | null;
  confidence_in_words: string | null;
  candidates: CandidateJson[];
  country: string | null;
  country_confidence: number | null;
  region_km2: number | null;
  region_cells: number[] | null;
  region_promise: number | null;
  model: string;
  error: string | null;
  shading?: [number, number][];
}

/** A map of what speaks for a place in a photo, and the part of the photo that it lies over. */
export interface ExplanationJson {
  method: string;
  title: string;
  target: { words: string; name: string };
  against: { words: string; name: string } | null;
  probability: number;
  meaning: string;
  values: number[][];
  box: { left: number; top: number; right: number; bottom: number };
}

/** What the pixels tell; null is what the server's cap hides, or the model does not state. */
export interface ToldJson {
  cell: string | null;
  latitude: number | null;
  longitude: number | null;
  confidence: number | null;
  confidence_in_words: string | null;
  country_name: string | null;
  country_confidence: number | null;
  region_km2: number | null;
  region_promise: number | null;
  error_km: number | null;
}

/** What one photo gives away, with its clean copy. */
export interface PrivacyJson {
  photo_id: string;
  model: string | null;
  metadata: { width_px: number; height_px: number; traces: { kind: string; words: string }[] };
  before: ToldJson | null;
  after: ToldJson | null;
  regions: { box: [number, number, number, number]; area: number; confidence: number | null }[];
  copy: { media_type: string; is_lossless: boolean; blurred_area: number; base64: string | null };
}

/** What a set of photos said about a model; every part may be missing. */
export interface MetricsJson {
  n?: number;
  median_km?: number | null;
  mean_km?: number | null;
  within_km?: Record<string, number>;
  geoscore?: number | null;
  top_k?: Record<string, number>;
  country_accuracy?: number | null;
  ece?: number | null;
  constant?: MetricsJson;
  [other: string]: unknown;
}

export interface ReliabilityJson {
  ece: number;
  bins: { n: number; confidence: number; accuracy: number; interval: [number, number] }[];
}

export interface ContinentJson {
  name: string;
  n: number;
  median_km: number | null;
  within_km: Record<string, number>;
  recall: number | null;
}

export interface ConfusionJson {
  pairs?: { true: string; answered: string; n: number; share: number | null; apart_km: number | null }[];
}

/** A report of `graticule evaluate`, as far as the page shows it. */
export interface ReportJson extends MetricsJson {
  name: string;
  calibration?: Record<string, ReliabilityJson>;
  by_continent?: ContinentJson[];
  confusion?: Record<string, ConfusionJson>;
  remarks?: string[];
}

export interface ModelJson {
  names: string[];
  name: string;
  identity: string;
  finest: "country" | "region" | "cell";
  areas: number;
  cells: number;
  partition: { method: string; parameters: Record<string, unknown> };
  promises: number[];
  explanations: { name: string; title: string }[];
  card: {
    name: string;
    revision: string;
    architecture: string;
    head: string;
    licence: string;
    training_data?: { photos?: number };
    metrics?: Record<string, MetricsJson>;
  };
  reports: ReportJson[];
  model_card: string;
  has_test_photos: boolean;
  limits: { body_bytes: number; files: number; pixels: number };
  earth_radius_km: number;
}

/** A refusal, in words for the person. */
export class ApiError extends Error {}

export class Api {
  private token = sessionStorage.getItem(TOKEN) ?? "";
  private asking: Promise<string> | null = null;

  /** `askToken` shows where a token is typed; `again`: the one before was not taken. */
  constructor(private readonly askToken: (again: boolean) => Promise<string>) {}

  async model(name?: string): Promise<ModelJson> {
    return (await this.ask(`v1/model${query({ model: name })}`)).json() as Promise<ModelJson>;
  }

  async cells(name: string): Promise<GeoJSON.FeatureCollection> {
    return (await this.ask(`v1/cells.geojson${query({ model: name })}`)).json() as Promise<GeoJSON.FeatureCollection>;
  }

  async predict(photo: Blob, name: string, model: string, promise: number | null): Promise<PredictionJson> {
    const words = { model, shading: "true", top: "10", promise: promise === null ? undefined : String(promise) };
    const found = (await this.send("v1/predict", photo, name, words)) as { predictions: PredictionJson[] };
    return found.predictions[0]!;
  }

  async explain(
    photo: Blob,
    name: string,
    asked: { model: string; method: string; target: string; against: string | null },
  ): Promise<ExplanationJson> {
    const { model, method, target, against } = asked;
    const words = { model, method, target, against: against ?? undefined };
    return (await this.send("v1/explain", photo, name, words)) as ExplanationJson;
  }

  async privacy(photo: Blob, name: string, model: string, blur: number): Promise<PrivacyJson> {
    return (await this.send("v1/privacy", photo, name, { model, blur: String(blur), copy: "true" })) as PrivacyJson;
  }

  private async send(path: string, photo: Blob, name: string, words: Record<string, string | undefined>): Promise<unknown> {
    const body = new FormData();
    body.append("files", photo, name);
    return (await this.ask(`${path}${query(words)}`, { method: "POST", body })).json();
  }

  /** A photo of the operator's and, where it is known, its place. */
  async testPhoto(): Promise<{ photo: Blob; name: string; truth: [number, number] | null }> {
    const response = await this.ask("v1/test-photo");
    const truth = response.headers.get("Graticule-Truth")?.split(",").map(Number);
    const [latitude, longitude] = truth ?? [];
    return {
      photo: await response.blob(),
      name: response.headers.get("Graticule-Photo") ?? "test-photo.jpg",
      truth: latitude === undefined || longitude === undefined ? null : [longitude, latitude],
    };
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const used = this.token;
      const headers: HeadersInit = used ? { Authorization: `Bearer ${used}` } : {};
      let response: Response;
      try {
        response = await fetch(path, { ...init, headers });
      } catch {
        throw new ApiError(PAGE.errors.unreachable);
      }
      if (response.ok) return response;
      if (response.status === 401) {
        await this.renew(used);
        attempt = 0;
        continue;
      }
      const wait = Number(response.headers.get("Retry-After"));
      if (response.status === 429 && wait > 0 && attempt < TRIES) {
        await new Promise((done) => setTimeout(done, 1000 * Math.min(wait, MOST_WAIT_S)));
        continue;
      }
      throw new ApiError(await said(response));
    }
  }

  /** Another token than the one that was refused; however many requests wait for it, it is asked for once. */
  private async renew(refused: string): Promise<void> {
    if (this.token !== refused) return;
    this.asking ??= this.askToken(refused !== "").finally(() => (this.asking = null));
    this.token = await this.asking;
    sessionStorage.setItem(TOKEN, this.token);
  }
}

function query(words: Record<string, string | undefined>): string {
  const given = Object.entries(words).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

async function said(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: string; errors?: { error: string }[] };
    return problem.errors?.[0]?.error ?? problem.detail ?? PAGE.errors.strange(response.status);
  } catch {
    return PAGE.errors.strange(response.status);
  }
}
