/** One series of a Prometheus text. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads a Prometheus text; comments are passed over. */
export function seriesOf(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) return [];
    const [, name = '', inner = '', value = ''] = match;
    const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]);
    return [{ name, labels: Object.fromEntries(labels), value: Number(value) }];
  });
}

/** The value of the one series that has these labels; undefined: there is none. */
export function valueOf(series: readonly Series[], name: string, labels: Readonly<Record<string, string>> = {}) {
  return series.find(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  )?.value;
}

/** What a program answers at /metrics. @param base such as http://127.0.0.1:8080 */
export async function scrape(base: string): Promise<Series[]> {
  const answer = await fetch(`${base}/metrics`);
  if (!answer.ok) throw new Error(`${base}/metrics answers ${answer.status}: ${await answer.text()}`);
  return seriesOf(await answer.text());
}
