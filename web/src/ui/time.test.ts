import { describe, expect, it } from 'vitest';
import { duration, local, relative, utc, utcClock } from './time';

const at = '2026-11-23T00:05:07.250Z';

describe('times', () => {
  it('are written in UTC, with midnight as 00', () => {
    expect(utc(at)).toBe('2026-11-23 00:05:07Z');
    expect(utcClock(at)).toBe('00:05Z');
  });

  it('are written for a place with its zone', () => {
    expect(local(at, 'en-GB', 'Asia/Tokyo')).toMatch(/^23 Nov 2026, 09:05:07 (UTC|GMT)\+9$/);
  });

  it('have the two largest units of a duration', () => {
    expect([0, 0.76, 4.2, 59, 60, 3_700, 7_500, 90_000, 200_000].map(duration)).toEqual([
      '0 s',
      '0.8 s',
      '4.2 s',
      '59 s',
      '1 min',
      '1 h 1 min',
      '2 h 5 min',
      '1 d 1 h',
      '2 d 7 h',
    ]);
  });

  it('are told from now, in both directions', () => {
    const now = Date.parse('2026-11-23T00:10:07.250Z');
    expect(relative(at, now)).toBe('5 min ago');
    expect(relative('2026-11-23T02:10:07Z', now)).toBe('in 2 h');
    expect(relative('2026-11-23T00:10:07Z', now)).toBe('just now');
  });
});
