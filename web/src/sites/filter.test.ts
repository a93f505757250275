import { describe, expect, it } from 'vitest';
import type { Schemas, Site } from '../api/types';
import { matching, siteFilter, tally } from './filter';

function site(name: string, state: Schemas['SiteState'], openFaults = 0): Site {
  return {
    id: name,
    name,
    note: name === 'Site 10' ? 'second floor' : '',
    failover_enabled: true,
    hold_s: 30,
    created_at: '2026-11-23T10:00:00Z',
    status: { state, active: null, on_backup_since: null, open_faults: openFaults, tunnels: [] },
  };
}

const sites = [site('Site 10', 'online'), site('Site 9', 'offline', 2), site('Site 1', 'on-backup', 1)];
const names = (filter: Parameters<typeof matching>[1]) => matching(sites, filter).map(({ name }) => name);

describe('sites', () => {
  it('come with what is urgent first', () => {
    expect(names({})).toEqual(['Site 9', 'Site 1', 'Site 10']);
  });

  it('are sorted by name as people count', () => {
    expect(names({ sort: 'name' })).toEqual(['Site 1', 'Site 9', 'Site 10']);
  });

  it('are found by name and note, in whatever case', () => {
    expect(names({ text: 'SECOND' })).toEqual(['Site 10']);
    expect(names({ text: 'site 1' })).toEqual(['Site 1', 'Site 10']);
  });

  it('are filtered by state and by open faults', () => {
    expect(names({ state: 'on-backup' })).toEqual(['Site 1']);
    expect(names({ faults: true })).toEqual(['Site 9', 'Site 1']);
  });

  it('are counted by state', () => {
    expect(tally(sites)).toEqual({ online: 1, offline: 1, 'on-backup': 1 });
  });
});

describe('a filter from the address bar', () => {
  it('keeps what it knows and drops the rest', () => {
    expect(siteFilter({ text: 42, state: 'asleep', faults: 'yes', sort: 'name', x: 1 })).toEqual({
      text: '42',
      sort: 'name',
    });
  });
});
