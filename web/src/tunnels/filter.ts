import { compact, type Search, text, word, wordsOf } from '../ui/search';
import { linkStates } from '../ui/states';
import type { FleetFilter } from './fleet';

export function fleetFilter(search: Search): FleetFilter {
  return compact({
    text: text(search.text),
    state: word(search.state, wordsOf(linkStates)),
    provider: text(search.provider),
  });
}
