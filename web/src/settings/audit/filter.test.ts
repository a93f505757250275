import { describe, expect, it } from 'vitest';
import { auditFilter } from './filter';

describe('auditFilter', () => {
  it('takes what the address says, and leaves out what nobody can mean', () => {
    const search = {
      actor: '01J9ZQ3V6N8W4T2K5R7M1X0ABC',
      subject_kind: 'site',
      from: '2026-11-23T10:00:00Z',
      to: 'yesterday',
      colour: 'red',
    };
    expect(auditFilter(search)).toEqual({
      actor: '01J9ZQ3V6N8W4T2K5R7M1X0ABC',
      subject_kind: 'site',
      from: '2026-11-23T10:00:00.000Z',
    });
    expect(auditFilter({ subject_kind: 'moon' })).toEqual({});
  });
});
