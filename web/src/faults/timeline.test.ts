import { describe, expect, it } from 'vitest';
import type { Fault } from '../api/types';
import { lanes, marks, spanOf } from './timeline';

const now = Date.parse('2026-11-23T12:00:00Z');

function fault(id: string, tunnel: string | null, startedAt: string, endedAt: string | null): Fault {
  return {
    id,
    site_id: 'office',
    site_name: 'Office',
    tunnel_id: tunnel,
    tunnel_name: tunnel,
    type: 'link-offline',
    severity: 'major',
    state: endedAt ? 'closed' : 'open',
    cause: '',
    started_at: `2026-11-23T${startedAt}:00Z`,
    ended_at: endedAt && `2026-11-23T${endedAt}:00Z`,
  };
}

const faults = [
  fault('3', 'lte', '11:30', null),
  fault('2', 'fibre', '10:00', '10:30'),
  fault('1', 'lte', '08:00', '09:00'),
];

describe('the timeline of faults', () => {
  it('shows all of them, and the time until now for those that go on', () => {
    const span = spanOf(faults, now);
    expect(span.from).toBeLessThan(Date.parse('2026-11-23T08:00:00Z'));
    expect(span.to).toBeGreaterThan(now);
  });

  it('is at least an hour long', () => {
    const span = spanOf([], now);
    expect(span.to - span.from).toBeGreaterThanOrEqual(3_600_000);
  });

  it('has a lane for each place, with bars where the faults were', () => {
    const span = { from: Date.parse('2026-11-23T08:00:00Z'), to: now };
    const found = lanes(faults, span, now, 10);
    expect(found.map(({ label, bars }) => [label, bars.length])).toEqual([
      ['Office · lte', 2],
      ['Office · fibre', 1],
    ]);
    expect(found[1]?.bars[0]).toMatchObject({ start: 0.5, length: 0.125 });
    expect(found[0]?.bars[0]).toMatchObject({ start: 0.875, length: 0.125 });
  });

  it('has no more lanes than there is room for', () => {
    expect(lanes(faults, spanOf(faults, now), now, 1)).toHaveLength(1);
  });

  it('is marked at whole hours', () => {
    const found = marks({ from: now - 3.5 * 3_600_000, to: now }, 6);
    expect(found.map((at) => new Date(at).toISOString().slice(11, 16))).toEqual([
      '09:00',
      '10:00',
      '11:00',
      '12:00',
    ]);
  });
});
