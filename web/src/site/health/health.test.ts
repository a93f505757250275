import { describe, expect, it } from 'vitest';
import { healthSearch, windowOf } from './range';
import { csv, gaps, lossColor, type Series, seconds, summary } from './series';

const now = Date.parse('2026-11-23T12:00:00Z');

describe('the time that is shown', () => {
  it('ends now, unless something else is asked for', () => {
    expect(windowOf({}, now)).toEqual({
      from: '2026-11-23T11:00:00.000Z',
      to: '2026-11-23T12:00:00.000Z',
      isLive: true,
    });
  });

  it('lies around a moment, and never in the future', () => {
    expect(windowOf({ at: '2026-11-23T11:50:00Z', range: '1h' }, now)).toEqual({
      from: '2026-11-23T11:20:00.000Z',
      to: '2026-11-23T12:00:00.000Z',
      isLive: false,
    });
  });

  it('is what somebody zoomed in to, and no stretch that runs backwards', () => {
    const span = { from: '2026-11-23T10:00:00.000Z', to: '2026-11-23T10:05:00.000Z' };
    expect(windowOf(healthSearch(span), now)).toEqual({ ...span, isLive: false });
    expect(healthSearch({ from: span.to, to: span.from, range: '3y' })).toEqual({});
  });
});

const series: Series = {
  tunnel_id: 't',
  resolution: 'minute',
  step_s: 60,
  at: ['2026-11-23T11:00:00Z', '2026-11-23T11:01:00Z', '2026-11-23T11:02:00Z', '2026-11-23T11:03:00Z'],
  rtt_min_ms: [10, null, null, 9],
  rtt_avg_ms: [12, null, null, 11],
  rtt_max_ms: [40, null, null, 12],
  jitter_ms: [1, null, null, 2],
  loss_percent: [4, null, null, 0],
  probes: [60, null, null, 60],
  rx_bits_per_s: [800, null, null, 900],
  tx_bits_per_s: [80, null, null, 90],
};

describe('a series', () => {
  it('has gaps where nothing was measured, each as one', () => {
    const at = seconds(series);
    expect(gaps(series)).toEqual([{ from: at[1], to: at[3] }]);
  });

  it('is told in words', () => {
    expect(summary(series)).toBe(
      'Latency 12 ms in the middle, 40 ms at most, jitter 2.0 ms, loss 2.0 % on average, 1 gap without measurements.',
    );
    expect(summary({ ...series, rtt_avg_ms: [null, null, null, null] })).toBe(
      'Nothing was measured in this time.',
    );
  });

  it('becomes CSV that no spreadsheet takes for a formula', () => {
    const lines = csv([{ name: '=1+"1"', series }]).split('\r\n');
    expect(lines[0]).toBe(
      'at,tunnel,rtt_min_ms,rtt_avg_ms,rtt_max_ms,jitter_ms,loss_percent,probes,rx_bits_per_s,tx_bits_per_s',
    );
    expect(lines[1]).toBe(`2026-11-23T11:00:00Z,"'=1+""1""",10,12,40,1,4,60,800,80`);
    expect(lines[2]).toBe(`2026-11-23T11:01:00Z,"'=1+""1""",,,,,,,,`);
  });

  it('has a colour for its loss', () => {
    expect([0, 0.5, 5, 50, null].map(lossColor)).toEqual(['teal', 'yellow', 'orange', 'red', 'teal']);
  });
});
