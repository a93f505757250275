import { describe, expect, it } from 'vitest';
import { compact, instant, text, word } from './search';

describe('what comes from the address bar', () => {
  it('is a text, also when it looks like a number', () => {
    expect([text('a'), text(17), text('  '), text(true), text(undefined)]).toEqual([
      'a',
      '17',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is a word of the list or nothing', () => {
    expect(word('open', ['open', 'closed'])).toBe('open');
    expect(word('ajar', ['open', 'closed'])).toBeUndefined();
  });

  it('is an instant in UTC or nothing', () => {
    expect(instant('2026-11-23T10:00:00+02:00')).toBe('2026-11-23T08:00:00.000Z');
    expect(instant('soon')).toBeUndefined();
  });

  it('is kept short', () => {
    expect(compact({ a: 1, b: undefined })).toEqual({ a: 1 });
  });
});
