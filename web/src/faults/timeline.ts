import type { Fault } from '../api/types';

/** A stretch of time, in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/** A fault as a bar: where it begins and how long it is, in parts of the whole, and in which lane it lies. */
export interface Bar {
  fault: Fault;
  start: number;
  length: number;
}

export interface Lane {
  key: string;
  label: string;
  bars: Bar[];
}

const hour = 3_600_000;
/** Steps at which a scale may be divided. */
const steps = [
  hour / 12,
  hour / 4,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
  48 * hour,
  168 * hour,
  720 * hour,
];

/** The stretch of time that shows these faults, at least an hour long and with a little room around it. */
export function spanOf(faults: readonly Fault[], now: number): Span {
  const begins = faults.map(({ started_at }) => Date.parse(started_at));
  const ends = faults.map(({ ended_at }) => (ended_at ? Date.parse(ended_at) : now));
  const from = Math.min(now - hour, ...begins);
  const to = Math.max(from + hour, ...ends);
  const room = (to - from) * 0.02;
  return { from: from - room, to: to + room };
}

/** One lane for each tunnel, or for the site as a whole, those with the latest faults first. */
export function lanes(faults: readonly Fault[], span: Span, now: number, most: number): Lane[] {
  const byPlace = new Map<string, Lane>();
  for (const fault of faults) {
    const key = fault.tunnel_id ?? fault.site_id;
    let lane = byPlace.get(key);
    if (!lane) {
      if (byPlace.size === most) continue;
      lane = { key, label: placeOf(fault), bars: [] };
      byPlace.set(key, lane);
    }
    lane.bars.push(bar(fault, span, now));
  }
  return [...byPlace.values()];
}

function bar(fault: Fault, { from, to }: Span, now: number): Bar {
  const share = (at: number) => Math.min(1, Math.max(0, (at - from) / (to - from)));
  const start = share(Date.parse(fault.started_at));
  const end = share(fault.ended_at ? Date.parse(fault.ended_at) : now);
  return { fault, start, length: end - start };
}

/** Where a fault is, in words. */
export function placeOf({ site_name, tunnel_name }: Fault): string {
  return tunnel_name ? `${site_name} · ${tunnel_name}` : site_name;
}

/** Instants at which the scale has a mark: whole hours or days, not more than `most`. */
export function marks({ from, to }: Span, most: number): number[] {
  const step = steps.find((length) => (to - from) / length <= most) ?? (to - from) / most;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => first + index * step);
}
