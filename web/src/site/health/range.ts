import { compact, instant, type Search, word } from '../../ui/search';

/** The lengths of time that can be picked, in seconds. */
export const ranges = {
  '15m': { label: '15 min', seconds: 900 },
  '1h': { label: '1 h', seconds: 3_600 },
  '6h': { label: '6 h', seconds: 21_600 },
  '24h': { label: '24 h', seconds: 86_400 },
  '7d': { label: '7 d', seconds: 604_800 },
  '30d': { label: '30 d', seconds: 2_592_000 },
  '90d': { label: '90 d', seconds: 7_776_000 },
} as const;

export type RangeName = keyof typeof ranges;

/** What is shown, as the address bar has it: the time until now, around a moment, or between two. */
export interface HealthSearch {
  range?: RangeName;
  at?: string;
  from?: string;
  to?: string;
}

export function healthSearch(search: Search): HealthSearch {
  const from = instant(search.from);
  const to = instant(search.to);
  const isSpan = from && to && from < to;
  return compact({
    range: word(search.range, Object.keys(ranges) as RangeName[]),
    at: instant(search.at),
    from: isSpan ? from : undefined,
    to: isSpan ? to : undefined,
  });
}

/** A stretch of time; `isLive` when its end is now. */
export interface Window {
  from: string;
  to: string;
  isLive: boolean;
}

/** The stretch of time that a search asks for. `now` in milliseconds. */
export function windowOf({ range = '1h', at, from, to }: HealthSearch, now: number): Window {
  if (from && to) return { from, to, isLive: false };
  const length = ranges[range].seconds * 1000;
  if (!at) return { ...iso(now - length, now), isLive: true };
  const middle = Date.parse(at);
  return { ...iso(middle - length / 2, Math.min(now, middle + length / 2)), isLive: false };
}

function iso(from: number, to: number): { from: string; to: string } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}
