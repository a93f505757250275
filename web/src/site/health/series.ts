import type { Schemas } from '../../api/types';

export type Series = Schemas['HealthSeries'];

/** A stretch of the time axis, in seconds since 1970. */
export interface Band {
  from: number;
  to: number;
}

/** The instants of a series, in seconds since 1970. */
export function seconds(series: Series): number[] {
  return series.at.map((at) => Date.parse(at) / 1000);
}

/** A metered link that waits is probed every ten seconds: silence below this length is no gap. */
export const shortestGap = 30;

/** Where nothing was measured for longer than any probing leaves out. */
export function gaps(series: Series): Band[] {
  const at = seconds(series);
  const bands: Band[] = [];
  for (const [index, from] of at.entries()) {
    if (series.probes[index]) continue;
    const to = at[index + 1] ?? from + series.step_s;
    const last = bands.at(-1);
    if (last?.to === from) last.to = to;
    else bands.push({ from, to });
  }
  return bands.filter(({ from, to }) => to - from >= shortestGap);
}

/** How much loss a colour stands for: below the first nothing is lost that anybody feels. */
export const lossSteps = [
  { below: 0.1, color: 'teal' },
  { below: 2, color: 'yellow' },
  { below: 10, color: 'orange' },
  { below: Number.POSITIVE_INFINITY, color: 'red' },
] as const;

/** The colour of a measurement, from the loss in percent. */
export function lossColor(loss: number | null | undefined): (typeof lossSteps)[number]['color'] {
  return lossSteps.find(({ below }) => (loss ?? 0) < below)?.color ?? 'red';
}

/** What a plot shows, in words. */
export function summary(series: Series): string {
  const rtt = present(series.rtt_avg_ms);
  if (rtt.length === 0) return 'Nothing was measured in this time.';
  const loss = present(series.loss_percent);
  const highest = Math.max(...present(series.rtt_max_ms), ...rtt);
  const found = gaps(series).length;
  return [
    `Latency ${milliseconds(median(rtt))} in the middle, ${milliseconds(highest)} at most`,
    `jitter ${milliseconds(median(present(series.jitter_ms)))}`,
    `loss ${(loss.reduce((sum, value) => sum + value, 0) / Math.max(1, loss.length)).toFixed(1)} % on average`,
    found > 0 && `${found} ${found === 1 ? 'gap' : 'gaps'} without measurements`,
  ]
    .filter(Boolean)
    .join(', ')
    .concat('.');
}

const columns = [
  'rtt_min_ms',
  'rtt_avg_ms',
  'rtt_max_ms',
  'jitter_ms',
  'loss_percent',
  'probes',
  'rx_bits_per_s',
  'tx_bits_per_s',
] as const;

/** The measurements of several tunnels as CSV, with empty fields where nothing was measured. */
export function csv(tunnels: readonly { name: string; series: Series }[]): string {
  const rows = tunnels.flatMap(({ name, series }) =>
    series.at.map((at, index) =>
      [at, quoted(name), ...columns.map((column) => series[column][index] ?? '')].join(','),
    ),
  );
  return `${[['at', 'tunnel', ...columns].join(','), ...rows].join('\r\n')}\r\n`;
}

function quoted(text: string): string {
  // A spreadsheet takes a text that begins like this for a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function median(values: number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return 'unknown';
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
