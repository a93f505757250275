import type { Series } from './series';

type Column = readonly (number | null)[];

/** Whether the router told its traffic at any time of a series. */
export function hasTraffic(series: Series): boolean {
  return [...series.rx_bits_per_s, ...series.tx_bits_per_s].some((value) => value !== null);
}

/** Bits per second as megabits; what was not measured stays a gap. */
export function megabits(column: Column): (number | null)[] {
  return column.map((value) => (value === null ? null : value / 1e6));
}

/** The traffic of one direction, in words. */
export function trafficInWords(column: Column): string {
  const values = column.filter((value) => value !== null);
  if (values.length === 0) return 'Nothing was measured in this time.';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${bitRate(mean)} on average, ${bitRate(Math.max(...values))} at most.`;
}

/** Bits per second as people read them. */
export function bitRate(bits: number): string {
  if (bits < 1e6) return `${Math.round(bits / 1e3)} kbit/s`;
  if (bits < 1e9) return `${(bits / 1e6).toFixed(1)} Mbit/s`;
  return `${(bits / 1e9).toFixed(1)} Gbit/s`;
}
