import type { Schemas, Site } from '../api/types';
import { compact, type Search, text, word, wordsOf } from '../ui/search';
import { siteStates } from '../ui/states';

type SiteState = Schemas['SiteState'];

const sorts = ['name', 'state', 'faults', 'newest'] as const;

/** Which sites are shown, and in what order. */
export interface SiteFilter {
  text?: string;
  state?: SiteState;
  /** Only those with open faults. */
  faults?: true;
  sort?: (typeof sorts)[number];
}

export function siteFilter(search: Search): SiteFilter {
  return compact({
    text: text(search.text),
    state: word(search.state, wordsOf(siteStates)),
    faults: search.faults === true ? (true as const) : undefined,
    sort: word(search.sort, sorts),
  });
}

/** What needs somebody's eye comes first. */
const urgency: Record<SiteState, number> = {
  offline: 0,
  degraded: 1,
  'on-backup': 2,
  unknown: 3,
  'never-seen': 4,
  unconfigured: 5,
  online: 6,
  off: 7,
};

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare;

const orders: Record<NonNullable<SiteFilter['sort']>, (a: Site, b: Site) => number> = {
  name: (a, b) => byName(a.name, b.name),
  state: (a, b) => urgency[a.status.state] - urgency[b.status.state] || byName(a.name, b.name),
  faults: (a, b) => b.status.open_faults - a.status.open_faults || byName(a.name, b.name),
  newest: (a, b) => b.created_at.localeCompare(a.created_at) || byName(a.name, b.name),
};

/** The sites that match a filter, in its order. */
export function matching(sites: readonly Site[], filter: SiteFilter): Site[] {
  const wanted = filter.text?.trim().toLowerCase();
  return sites
    .filter(
      ({ name, note, status }) =>
        (!filter.state || status.state === filter.state) &&
        (!filter.faults || status.open_faults > 0) &&
        (!wanted ||
          [name, note, ...status.tunnels.map((tunnel) => tunnel.name)].some((it) =>
            it.toLowerCase().includes(wanted),
          )),
    )
    .sort(orders[filter.sort ?? 'state']);
}

/** How many sites are in each state. */
export function tally(sites: readonly Site[]): Partial<Record<SiteState, number>> {
  const counts: Partial<Record<SiteState, number>> = {};
  for (const { status } of sites) counts[status.state] = (counts[status.state] ?? 0) + 1;
  return counts;
}
