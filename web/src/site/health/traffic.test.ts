import { describe, expect, it } from 'vitest';
import type { Series } from './series';
import { bitRate, hasTraffic, megabits, trafficInWords } from './traffic';

const series = (rx: (number | null)[], tx: (number | null)[]) =>
  ({ rx_bits_per_s: rx, tx_bits_per_s: tx }) as Series;

describe('the traffic of a tunnel', () => {
  it('is drawn where the router told any, in either direction', () => {
    expect(hasTraffic(series([null, null], [null, 0]))).toBe(true);
    expect(hasTraffic(series([null], [null]))).toBe(false);
    expect(hasTraffic(series([], []))).toBe(false);
  });

  it('keeps its gaps', () => {
    expect(megabits([2_500_000, null, 0])).toEqual([2.5, null, 0]);
  });

  it('is told in words', () => {
    expect(trafficInWords([1_000_000, null, 3_000_000])).toBe('2.0 Mbit/s on average, 3.0 Mbit/s at most.');
    expect(trafficInWords([null])).toBe('Nothing was measured in this time.');
    expect([400, 94_000, 2_450_000_000].map(bitRate)).toEqual(['0 kbit/s', '94 kbit/s', '2.5 Gbit/s']);
  });
});
