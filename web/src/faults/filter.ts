import type { FaultType, Schemas, Severity } from '../api/types';
import { compact, instant, type Search, text, word, wordsOf } from '../ui/search';
import { faultTypes, severities } from '../ui/states';

/** Which faults are shown, as the API takes it. */
export interface FaultFilter {
  site?: string;
  tunnel?: string;
  type?: FaultType;
  severity?: Severity;
  state?: Schemas['FaultState'];
  from?: string;
  to?: string;
  text?: string;
}

export function faultFilter(search: Search): FaultFilter {
  return compact({
    site: text(search.site),
    tunnel: text(search.tunnel),
    type: word(search.type, wordsOf(faultTypes)),
    severity: word(search.severity, wordsOf(severities)),
    state: word(search.state, ['open', 'closed'] as const),
    from: instant(search.from),
    to: instant(search.to),
    text: text(search.text),
  });
}

/** Where the same faults are to be had as CSV. */
export function csvAddress(filter: FaultFilter): string {
  const query = new URLSearchParams(Object.entries(filter)).toString();
  return `/api/v1/faults.csv${query && `?${query}`}`;
}
