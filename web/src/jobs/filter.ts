import type { JobState, Schemas } from '../api/types';
import { compact, type Search, text, word, wordsOf } from '../ui/search';
import { jobKinds, jobStates } from '../ui/states';

/** Which jobs are shown, as the API takes it. */
export interface JobFilter {
  site?: string;
  kind?: Schemas['JobKind'];
  state?: JobState;
}

export function jobFilter(search: Search): JobFilter {
  return compact({
    site: text(search.site),
    kind: word(search.kind, wordsOf(jobKinds)),
    state: word(search.state, wordsOf(jobStates)),
  });
}
