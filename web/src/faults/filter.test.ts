import { describe, expect, it } from 'vitest';
import { csvAddress, faultFilter } from './filter';

describe('a filter of faults from the address bar', () => {
  it('keeps what the API understands', () => {
    const filter = faultFilter({
      site: 's1',
      type: 'link-offline',
      severity: 'grave',
      from: '2026-11-23',
      to: 'soon',
    });
    expect(filter).toEqual({ site: 's1', type: 'link-offline', from: '2026-11-23T00:00:00.000Z' });
  });

  it('is the same for the CSV', () => {
    expect(csvAddress({ state: 'open', text: 'a&b' })).toBe('/api/v1/faults.csv?state=open&text=a%26b');
    expect(csvAddress({})).toBe('/api/v1/faults.csv');
  });
});
