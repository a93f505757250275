import { compact, instant, type Search, text, word } from '../../ui/search';

/** What something can be done to. */
export const subjects = {
  site: 'Sites',
  tunnel: 'WAN tunnels',
  router: 'Routers',
  fault: 'Faults',
  job: 'Jobs',
  user: 'Users',
  token: 'API tokens',
  organization: 'The organization',
} as const;

export type SubjectKind = keyof typeof subjects;

/** Which entries are shown, as the API takes it. */
export interface AuditFilter {
  /** Id of who did it. */
  actor?: string;
  action?: string;
  subject_kind?: SubjectKind;
  /** Id of what it was done to. */
  subject?: string;
  from?: string;
  to?: string;
}

export function auditFilter(search: Search): AuditFilter {
  return compact({
    actor: text(search.actor),
    action: text(search.action),
    subject_kind: word(search.subject_kind, Object.keys(subjects) as SubjectKind[]),
    subject: text(search.subject),
    from: instant(search.from),
    to: instant(search.to),
  });
}
