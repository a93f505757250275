import { compact, type Search, text } from '../../ui/search';

/** Which entries are shown, as the API takes it. */
export interface AuditFilter {
  action?: string;
  subject_kind?: string;
  subject?: string;
}

export function auditFilter(search: Search): AuditFilter {
  return compact({
    action: text(search.action),
    subject_kind: text(search.subject_kind),
    subject: text(search.subject),
  });
}
