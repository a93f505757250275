import { describe, expect, it } from 'vitest';
import type { LinkState, Schemas } from '../../api/types';
import { latest } from './pulse';
import { availability, segments } from './strip';

const from = Date.parse('2026-11-23T00:00:00Z');
const to = Date.parse('2026-11-23T10:00:00Z');
const change = (hour: string, state: LinkState) => ({
  at: `2026-11-2${hour}:00:00Z`,
  state,
  cause: '',
  role: null,
});

describe('the strip of states', () => {
  const changes = [
    change('3T08', 'online'),
    change('3T06', 'offline'),
    change('2T20', 'online'),
    change('1T00', 'never-seen'),
  ];

  it('covers the time with what was known when, the oldest first', () => {
    const found = segments(changes, from, to).map(({ state, start, length }) => [
      state,
      start,
      Number(length.toFixed(2)),
    ]);
    expect(found).toEqual([
      ['online', 0, 0.6],
      ['offline', 0.6, 0.2],
      ['online', 0.8, 0.2],
    ]);
  });

  it('says how long packets were carried, of the time of which something is known', () => {
    expect(availability(segments(changes, from, to))).toBeCloseTo(0.8);
    expect(availability(segments([change('3T05', 'online'), change('2T00', 'unknown')], from, to))).toBe(1);
    expect(availability(segments([], from, to))).toBeUndefined();
  });
});

describe('the latest measurements', () => {
  it('are the last that there are of each', () => {
    const series = {
      rtt_avg_ms: [11, 12, null],
      jitter_ms: [null, null, null],
      loss_percent: [0, 50, null],
    } as Partial<Schemas['HealthSeries']> as Schemas['HealthSeries'];
    expect(latest(series)).toEqual({ rtt_ms: 12, jitter_ms: null, loss: 0.5 });
  });
});
